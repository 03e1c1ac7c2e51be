//! Programs into the kernel, onto sockets, and their counts out again.

use std::io;
use std::os::fd::AsFd;

use aya::maps::{MapData, PerCpuArray};
use aya::programs::SocketFilter;
use aya::{Ebpf, EbpfLoader};
use nix::sys::resource::{RLIM_INFINITY, Resource, setrlimit};
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::SetStruct;

use super::classic::Classic;
use super::ebpf::Program;
use super::object;

/// A classic program as the kernel takes it.
pub(crate) struct Compiled {
    instructions: Vec<libc::sock_filter>,
}

impl Compiled {
    pub(crate) fn new(program: &[Classic]) -> Self {
        let kernels = |one: &Classic| libc::sock_filter { code: one.code, jt: one.jt, jf: one.jf, k: one.k };
        Self { instructions: program.iter().map(kernels).collect() }
    }

    /// Calls `set` with what points to the instructions, while they are there.
    pub(crate) fn with<T>(&mut self, set: impl FnOnce(&libc::sock_fprog) -> T) -> T {
        let len = u16::try_from(self.instructions.len()).unwrap_or(u16::MAX);
        set(&libc::sock_fprog { len, filter: self.instructions.as_mut_ptr() })
    }
}

/// Set in [`attach_classic`] only, with instructions that outlive the call.
#[derive(Clone, Copy)]
struct AttachFilter;

nix::setsockopt_impl!(
    AttachFilter,
    libc::SOL_SOCKET,
    libc::SO_ATTACH_FILTER,
    libc::sock_fprog,
    SetStruct<'_, libc::sock_fprog>
);

/// Puts a classic program in the place of the socket's filter.
///
/// # Errors
/// The kernel's refusal.
pub(crate) fn attach_classic(socket: &impl AsFd, program: &[Classic]) -> io::Result<()> {
    Compiled::new(program).with(|fprog| setsockopt(socket, AttachFilter, fprog)).map_err(io::Error::from)
}

/// A stateful program in the kernel; it ends with its last socket.
pub(super) struct Loaded {
    program: Ebpf,
    counts: PerCpuArray<MapData, [u64; 2]>,
}

impl Loaded {
    /// Has the kernel check and take the program.
    ///
    /// # Errors
    /// Its refusal, in words: no privilege, no such feature, or a program that it does not take.
    pub(super) fn new(program: &Program, entries: u32) -> Result<Self, String> {
        let file = object::file(program, entries).map_err(|error| error.to_string())?;
        let (program, counts) = load(&file).or_else(|error| {
            // Before Linux 5.11, maps counted as locked memory.
            let raised = setrlimit(Resource::RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY).is_ok();
            if raised { load(&file) } else { Err(error) }
        })?;
        Ok(Self { program, counts })
    }

    /// Puts the program in the place of the socket's filter.
    pub(super) fn attach(&self, socket: &impl AsFd) -> Result<(), String> {
        let refused = |error: &(dyn std::error::Error + 'static)| format!("eBPF: {}", words(error));
        let program = self.program.program(object::NAME).ok_or("eBPF: no program")?;
        let program: &SocketFilter = program.try_into().map_err(|error| refused(&error))?;
        program.attach(socket).map_err(|error| refused(&error))
    }

    /// Packets and bytes that it has cut; `None` where the kernel does not tell any more, because the privileges
    /// are given up (before Linux 5.19).
    pub(super) fn counts(&self) -> Option<(u64, u64)> {
        let all = self.counts.get(&0, 0).ok()?;
        Some(all.iter().fold((0, 0), |(packets, bytes), one| (packets + one[0], bytes + one[1])))
    }
}

fn load(file: &[u8]) -> Result<(Ebpf, PerCpuArray<MapData, [u64; 2]>), String> {
    let mut ebpf = EbpfLoader::new().btf(None).load(file).map_err(|error| words(&error))?;
    let program = ebpf.program_mut(object::NAME).ok_or("no program")?;
    let program: &mut SocketFilter = program.try_into().map_err(|error| words(&error))?;
    program.load().map_err(|error| words(&error))?;
    let counts = ebpf.take_map(object::COUNTS_NAME).ok_or("no counts")?;
    Ok((ebpf, PerCpuArray::try_from(counts).map_err(|error| words(&error))?))
}

/// The cause at the bottom of an error, on one line.
fn words(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string().lines().next().unwrap_or_default().to_owned()
}
