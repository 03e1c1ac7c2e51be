"""The exercise on one machine: two datacenters of a service mesh, one of which loses a service.

Imports go one way: places <- processes, network, certificates, envoy, needs <- mesh, watch <- demo.
`service.py` is a program of its own; it stands in for the services.
"""
