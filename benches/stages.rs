//! Throughput of each stage by itself, and of all of them together: `cargo bench --bench stages [NAME]`.
//!
//! A quick run that only shows that all of them work: `cargo bench --bench stages -- --test`. Compare ratios of one
//! run, never numbers of two machines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench fails loudly")]
#![allow(clippy::cast_possible_truncation, reason = "the workloads are small")]
#![allow(clippy::wildcard_imports, reason = "each module is one stage, over what the file's top sets up")]

#[path = "../tests/support/mod.rs"]
mod support;
#[path = "../tests/watch/mod.rs"]
mod watch;

use std::ffi::OsString;
use std::hint::black_box;
use std::io::Cursor;
use std::ops::ControlFlow;
use std::sync::{Arc, LazyLock};

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use sni_watch::cli;
use sni_watch::cli::plan::Command;
use sni_watch::flow::table::{State, Table};
use sni_watch::hello::PROTOCOLS;
use sni_watch::inspector::Inspector;
use sni_watch::inspector::settings::Settings;
use sni_watch::model::frame::{Frame, LinkType, Origin, OriginId, Timestamp};
use sni_watch::model::hello::{Reading, Sni};
use sni_watch::model::observation::Observation;
use sni_watch::model::seed::Seed;
use sni_watch::model::segment::Segment;
use sni_watch::naming::Namer;
use sni_watch::output;
use sni_watch::output::context::Context;
use sni_watch::run;
use sni_watch::source::{Progress, Source, file};
use sni_watch::tally::Tally;
use sni_watch::tally::snapshot::{Dimension, Snapshot};
use sni_watch::wire::Decoder;
use support::hello::{Hello, Version};
use support::link::Link;
use support::packet::Packet;
use support::scenario::{self, Capture, Format};
use support::workload::{self, CONNECTIONS, START};

fn main() {
    divan::main();
}

/// What a gateway sees in a second.
static PACKETS: LazyLock<Vec<Packet>> = LazyLock::new(|| {
    let connections: Vec<_> = (0..CONNECTIONS).map(|number| workload::connection(number, 0)).collect();
    scenario::packets(&connections, START)
});

fn capture(format: Format) -> Vec<u8> {
    Capture { format, ..Capture::default() }.file(&PACKETS)
}

/// The workload's frames under a link header, kept for good.
fn frames(link: Link) -> Vec<Frame<'static>> {
    let frames = PACKETS.iter().zip(1..).map(|(packet, number)| {
        let bytes: &'static [u8] = link.frame(packet, false).unwrap().leak();
        Frame {
            number,
            time: Timestamp(packet.time),
            link: LinkType(link as u32),
            origin: OriginId(0),
            wire_len: bytes.len() as u32,
            bytes,
        }
    });
    frames.collect()
}

fn decoder() -> Decoder {
    Decoder::new(Seed(7, 11))
}

fn segments() -> Vec<Segment<'static>> {
    let decoder = decoder();
    frames(Link::Ethernet).iter().map(|frame| decoder.decode(frame).unwrap()).collect()
}

fn records() -> Vec<Observation> {
    let records = watch::packets(&PACKETS);
    assert_eq!(records.len(), usize::from(CONNECTIONS));
    records
}

mod source {
    use super::*;

    fn walk(bencher: Bencher<'_, '_>, format: Format) {
        let bytes = capture(format);
        let (packets, size) = (PACKETS.len(), bytes.len());
        bencher
            .counter(ItemsCount::new(packets))
            .counter(BytesCount::new(size))
            .with_inputs(|| {
                file::from_reader(Box::new(Cursor::new(bytes.clone())), "memory".into(), OriginId(0)).unwrap()
            })
            .bench_local_values(|mut source| {
                let mut seen = 0;
                while source
                    .drive(&mut |frames| {
                        seen += black_box(frames).len();
                        ControlFlow::Continue(())
                    })
                    .unwrap()
                    != Progress::End
                {}
                assert_eq!(seen, packets);
            });
    }

    #[divan::bench]
    fn pcap(bencher: Bencher<'_, '_>) {
        walk(bencher, Format::Pcap);
    }

    #[divan::bench]
    fn pcapng(bencher: Bencher<'_, '_>) {
        walk(bencher, Format::Pcapng);
    }
}

mod wire {
    use super::*;

    fn decode(bencher: Bencher<'_, '_>, link: Link) {
        let (frames, decoder) = (frames(link), decoder());
        bencher.counter(ItemsCount::new(frames.len())).bench_local(|| {
            for frame in &frames {
                black_box(decoder.decode(black_box(frame)).unwrap());
            }
        });
    }

    /// Ethernet and IPv4: fixed offsets.
    #[divan::bench]
    fn fast_path(bencher: Bencher<'_, '_>) {
        decode(bencher, Link::Ethernet);
    }

    /// The same packets layer by layer.
    #[divan::bench]
    fn general_path(bencher: Bencher<'_, '_>) {
        decode(bencher, Link::Sll2);
    }
}

mod flow {
    use super::*;

    const LOOKUPS: u64 = 100_000;

    /// Spreads numbers over all bits.
    fn hash(number: u64) -> u64 {
        number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    #[divan::bench(args = [10_000, 1_000_000])]
    fn table_lookups(bencher: Bencher<'_, '_>, flows: u64) {
        let mut table = Table::default();
        for number in 0..flows {
            table.insert(hash(number), State::Done, 1);
        }
        bencher.counter(ItemsCount::new(LOOKUPS)).bench_local(|| {
            for number in 0..LOOKUPS {
                let known = hash(number.wrapping_mul(7919) % flows);
                assert!(black_box(table.find(black_box(known))).is_some());
            }
        });
    }

    #[divan::bench]
    fn table_insertions_and_removals(bencher: Bencher<'_, '_>) {
        let mut table = Table::default();
        bencher.counter(ItemsCount::new(LOOKUPS)).bench_local(|| {
            for number in 0..LOOKUPS {
                table.insert(hash(number), State::Done, 1);
                table.remove(hash(number.wrapping_sub(1000)));
            }
        });
    }
}

mod hello {
    use super::*;

    /// Reads a hello of which ever more of the stream is there.
    fn read(bencher: Bencher<'_, '_>, hello: &Hello, ends: &[usize]) {
        let stream = hello.stream();
        let mut reader = PROTOCOLS.first().unwrap().reader();
        bencher.counter(ItemsCount::new(1_u32)).counter(BytesCount::new(stream.len())).bench_local(|| {
            for end in ends {
                let prefix = stream.get(..*end).unwrap_or(&stream);
                let whole = matches!(reader.read(black_box(prefix)), Reading::Hello(_));
                assert_eq!(whole, prefix.len() == stream.len());
            }
        });
    }

    fn named(size: usize, records: Vec<usize>) -> Hello {
        Hello { size, records, session_id: 32, ..Hello::named("h", Version::Tls13, "www.example.org") }
    }

    #[divan::bench]
    fn one_segment(bencher: Bencher<'_, '_>) {
        read(bencher, &named(0, Vec::new()), &[usize::MAX]);
    }

    #[divan::bench]
    fn two_segments(bencher: Bencher<'_, '_>) {
        read(bencher, &named(1742, Vec::new()), &[1448, usize::MAX]);
    }

    #[divan::bench]
    fn many_records(bencher: Bencher<'_, '_>) {
        read(bencher, &named(16_000, (500..16_000).step_by(500).collect()), &[usize::MAX]);
    }
}

mod naming {
    use super::*;

    const NAMES: [&str; 6] = [
        "currency.default.dc2.internal.1c053652-8512-4373-90cf-5a7f6263a994.consul",
        "v2.currency.billing.parta.dc2.internal-v1.1c053652-8512-4373-90cf-5a7f6263a994.consul",
        "currency.billing.parta.east-peer.external.1c053652-8512-4373-90cf-5a7f6263a994.consul",
        "node7.server.dc2.consul",
        "outbound_.8080_.v1_.ratings.shop.svc.cluster.local",
        "www.example.org",
    ];

    #[divan::bench]
    fn classify(bencher: Bencher<'_, '_>) {
        let namer = Namer::default();
        bencher.counter(ItemsCount::new(NAMES.len())).bench_local(|| {
            for name in NAMES {
                black_box(namer.classify(Sni::Name { bytes: black_box(name).as_bytes(), more: false }));
            }
        });
    }
}

mod inspector {
    use super::*;

    #[divan::bench]
    fn handshakes(bencher: Bencher<'_, '_>) {
        let segments = segments();
        bencher
            .counter(ItemsCount::new(segments.len()))
            .with_inputs(|| Inspector::new(Settings::default(), Namer::default()))
            .bench_local_values(|mut inspector| {
                let mut out = Vec::new();
                for segment in &segments {
                    inspector.push(segment, &mut out);
                }
                inspector.finish(&mut out);
                assert_eq!(out.len(), usize::from(CONNECTIONS));
                out
            });
    }

    /// Segments of flows that need nothing more: most of all traffic.
    #[divan::bench]
    fn bulk(bencher: Bencher<'_, '_>) {
        let segments = segments();
        let mut inspector = Inspector::new(Settings::default(), Namer::default());
        let mut out = Vec::new();
        for segment in &segments {
            inspector.push(segment, &mut out);
        }
        let bulk: Vec<&Segment<'_>> =
            segments.iter().filter(|segment| segment.payload.len() == 1448).collect();
        out.clear();
        bencher.counter(ItemsCount::new(bulk.len())).bench_local(|| {
            for segment in &bulk {
                inspector.push(black_box(segment), &mut out);
            }
        });
    }
}

mod outputs {
    use super::*;

    fn context(verbosity: u8) -> Context {
        let origin = Origin { name: "workload.pcap".into(), node: "bench".into(), live: false };
        Context { origins: Arc::from([origin]), verbosity, ..Context::default() }
    }

    fn write(bencher: Bencher<'_, '_>, name: &str, verbosity: u8) {
        let records = records();
        let mut sink = output::open(&format!("{name}:/dev/null"), &context(verbosity)).unwrap();
        bencher.counter(ItemsCount::new(records.len())).bench_local(|| {
            for record in &records {
                assert!(sink.event(record).unwrap().is_continue());
            }
        });
    }

    #[divan::bench]
    fn line(bencher: Bencher<'_, '_>) {
        write(bencher, "line", 0);
    }

    #[divan::bench]
    fn json(bencher: Bencher<'_, '_>) {
        write(bencher, "json", 0);
    }

    #[divan::bench]
    fn json_verbose(bencher: Bencher<'_, '_>) {
        write(bencher, "json", 2);
    }

    fn tally(records: &[Observation]) -> Snapshot {
        let mut tally = Tally::new(vec![Dimension::Sni, Dimension::Source], 10_000);
        for record in records {
            tally.observe(record);
        }
        tally.snapshot(&sni_watch::model::stats::RunStats::default(), Timestamp(START))
    }

    /// Counting, which a table is made of.
    #[divan::bench]
    fn tallied(bencher: Bencher<'_, '_>) {
        let records = records();
        bencher.counter(ItemsCount::new(records.len())).bench_local(|| black_box(tally(&records)));
    }

    #[divan::bench]
    fn table(bencher: Bencher<'_, '_>) {
        let snapshot = tally(&records());
        let rows = snapshot.rows.len();
        bencher
            .counter(ItemsCount::new(rows))
            .with_inputs(|| output::open("table:/dev/null", &context(0)).unwrap())
            .bench_local_values(|mut sink| sink.finish(&snapshot).unwrap());
    }
}

mod whole {
    use super::*;

    /// Decoding and inspecting, from a file in memory.
    #[divan::bench]
    fn records_of_a_capture(bencher: Bencher<'_, '_>) {
        let bytes = capture(Format::Pcap);
        bencher
            .counter(ItemsCount::new(PACKETS.len()))
            .counter(BytesCount::new(bytes.len()))
            .with_inputs(|| bytes.clone())
            .bench_local_values(watch::capture);
    }

    /// The program as it is run, from a file on the disk to JSON lines.
    #[divan::bench]
    fn json_of_a_file(bencher: Bencher<'_, '_>) {
        let path = std::env::temp_dir().join(format!("sni-watch-bench-{}.pcap", std::process::id()));
        let bytes = capture(Format::Pcap);
        std::fs::write(&path, &bytes).unwrap();
        let words = ["sni-watch", "-q", "-o", "json:/dev/null", "-r", path.to_str().unwrap()];
        bencher.counter(ItemsCount::new(PACKETS.len())).counter(BytesCount::new(bytes.len())).bench_local(
            || {
                let parsed = cli::parse_from(words.map(OsString::from), &Vec::new);
                let Ok(Command::Watch(plan)) = parsed else { panic!("the command line is a watch") };
                run::run(plan).unwrap()
            },
        );
        std::fs::remove_file(&path).unwrap();
    }
}

mod quic {
    use sni_watch::hello::entries;
    use support::connection::Connection;
    use support::quic::Quic;

    use super::*;

    /// The client's first flight of one connection, opened and read.
    fn read(bencher: Bencher<'_, '_>, hello: Hello) {
        let connection =
            Connection { hello: Some(hello), quic: Some(Quic::default()), ..Connection::default() };
        let sent = scenario::packets(&[connection], START);
        let first =
            sent.iter().take_while(|packet| packet.from_client).map(|packet| packet.ip.get(28..).unwrap());
        let chunks = first.map(|payload| [&[0][..], &(payload.len() as u16).to_be_bytes(), payload].concat());
        let input = chunks.collect::<Vec<_>>().concat();
        bencher.counter(ItemsCount::new(1_u32)).counter(BytesCount::new(input.len())).bench_local(|| {
            assert_eq!(entries::datagrams(black_box(&input)), 1);
        });
    }

    #[divan::bench]
    fn one_datagram(bencher: Bencher<'_, '_>) {
        read(bencher, Hello::named("q", Version::Tls13, "www.example.org"));
    }

    #[divan::bench]
    fn two_datagrams(bencher: Bencher<'_, '_>) {
        let hello = Hello::named("q", Version::Tls13, "www.example.org");
        read(bencher, Hello { post_quantum: true, ..hello });
    }
}
