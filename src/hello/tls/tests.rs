use proptest::prelude::*;

use super::*;
use crate::hello::testing::{Builder, RANDOM, message, record, records};
use crate::model::hello::Sni;

/// The hello's name, records and bytes of the stream; or what there is instead.
#[derive(Debug, PartialEq)]
enum Got {
    Hello { name: Vec<u8>, records: u16, wire_len: usize, message: Vec<u8> },
    Need(usize),
    Skip(Skip),
}

fn read_with(reader: &mut dyn Reader, prefix: &[u8]) -> Got {
    match reader.read(prefix) {
        Reading::Need(total) => Got::Need(total),
        Reading::Skip(skip) => Got::Skip(skip),
        Reading::Hello(hello) => {
            assert_eq!(hello.random, &RANDOM);
            let name = if let Sni::Name { bytes, .. } = hello.sni { bytes.to_vec() } else { Vec::new() };
            let message = hello.message.to_vec();
            Got::Hello { name, records: hello.records, wire_len: hello.wire_len, message }
        }
    }
}

fn read(prefix: &[u8]) -> Got {
    read_with(&mut *Tls.reader(), prefix)
}

fn hello(builder: &Builder, name: &str, records: u16, wire_len: usize) -> Got {
    Got::Hello { name: name.into(), records, wire_len, message: builder.message() }
}

#[test]
fn one_record_is_read_in_place() {
    let stream = Builder::new().sni("a.example").records(&[]);
    let mut reader = Tls.reader();
    let Reading::Hello(hello) = reader.read(&stream) else { panic!("no hello") };
    assert!(std::ptr::eq(hello.message, &raw const stream[5..]));
    assert_eq!((hello.records, hello.wire_len), (1, stream.len()));
}

#[test]
fn records_split_anywhere_are_joined() {
    let builder = Builder::new().sni("a.example").alpn(&["h2"]);
    let len = builder.message().len();
    for cut in 1..len {
        let stream = builder.records(&[cut]);
        assert_eq!(read(&stream), hello(&builder, "a.example", 2, stream.len()), "cut at {cut}");
    }
    let stream = builder.records(&vec![1; len]);
    assert_eq!(read(&stream), hello(&builder, "a.example", u16::try_from(len).unwrap(), stream.len()));
}

#[test]
fn bytes_behind_the_hello() {
    let builder = Builder::new().sni("a");
    let one = builder.records(&[]);
    assert_eq!(read(&[&one[..], b"anything"].concat()), hello(&builder, "a", 1, one.len()));
    let same_record = record(22, &[builder.message(), message(11, b"xyz")].concat());
    assert_eq!(read(&same_record), hello(&builder, "a", 1, same_record.len()), "the record counts fully");
    assert_eq!(read(&same_record[..one.len()]), Got::Need(same_record.len()));
    let split = records(&[builder.message(), message(11, b"xyz")].concat(), &[20]);
    assert_eq!(read(&[&split[..], &record(23, b"x")].concat()), hello(&builder, "a", 2, split.len()));
}

#[test]
fn needs_are_exact_where_known() {
    let stream = Builder::new().sni("a.example").records(&[]);
    assert_eq!(read(&[]), Got::Need(6));
    assert_eq!(read(&stream[..5]), Got::Need(6));
    for len in 6..stream.len() {
        assert_eq!(read(&stream[..len]), Got::Need(stream.len()), "{len}");
    }
    let split = Builder::new().sni("a.example").records(&[10]);
    assert_eq!(read(&split[..6]), Got::Need(15), "the header's length is not there");
    for len in 9..split.len() {
        assert_eq!(read(&split[..len]), Got::Need(split.len()), "{len}");
    }
}

#[test]
fn tiny_records_take_few_calls() {
    let stream = Builder::new().extension(21, &vec![0; 60000]).records(&vec![1; 61000]);
    let (mut reader, mut have, mut calls) = (Tls.reader(), 0, 0);
    while let Got::Need(total) = read_with(&mut *reader, &stream[..have]) {
        (have, calls) = (total, calls + 1);
    }
    assert_eq!(have, stream.len());
    assert!(calls < 100, "{calls}");
}

#[test]
fn sizes_up_to_the_cap() {
    let block = |len: usize| -> Vec<u8> { Builder::new().raw(&vec![0; len]).message() };
    let large = block(65535);
    assert!(large.len() > 64 * 1024);
    let stream = records(&large, &[]);
    assert!(matches!(read(&stream), Got::Hello { records: 5, .. }));
    let mut padded = Builder::new().body();
    padded.resize(MAX_MESSAGE - MESSAGE_HEADER, 0);
    let stream = records(&message(1, &padded), &[]);
    assert!(matches!(read(&stream), Got::Hello { message, .. } if message.len() == MAX_MESSAGE));
    padded.push(0);
    let stream = records(&message(1, &padded), &[]);
    assert_eq!(read(&stream[..8]), Got::Need(5 + 16384));
    assert_eq!(read(&stream[..9]), Got::Skip(Skip::HelloTooLarge), "as soon as it says so");
}

#[test]
fn largest_record_and_one_more() {
    let builder = Builder::new().raw(&vec![0; 18000]);
    let mut message = builder.message();
    message.resize(18432, 0);
    assert!(matches!(read(&record(22, &message)), Got::Hello { records: 1, .. }));
    message.push(0);
    assert_eq!(read(&record(22, &message)), Got::Skip(Skip::NotTls));
}

#[test]
fn other_first_bytes_are_not_tls() {
    let stream = Builder::new().records(&[]);
    for (at, byte) in [(0, 0x17), (0, b'G'), (1, 2), (2, 5), (5, 2)] {
        let mut other = stream.clone();
        other[at] = byte;
        assert_eq!(read(&other), Got::Skip(Skip::NotTls), "byte {at}");
        assert_eq!(read(&other[..=at]), Got::Skip(Skip::NotTls), "at once");
    }
    assert_eq!(read(&[22, 3, 1, 0, 0]), Got::Skip(Skip::NotTls), "empty record");
}

#[test]
fn broken_between_records() {
    let split = Builder::new().sni("a").records(&[20]);
    let first = &split[..25];
    let with = |more: &[u8]| read(&[first, more].concat());
    assert_eq!(with(&[21]), Got::Skip(Skip::BadHello), "alert, at once");
    assert_eq!(with(&record(20, &[1])), Got::Skip(Skip::BadHello), "ChangeCipherSpec");
    assert_eq!(with(&[22, 3, 1, 0, 0]), Got::Skip(Skip::BadHello), "empty record");
    assert_eq!(with(&[22, 2, 1, 0, 9]), Got::Skip(Skip::BadHello), "version");
    assert_eq!(with(&[22, 3, 1, 0xff, 0]), Got::Skip(Skip::BadHello), "length");
    let mut bad_second = split.clone();
    bad_second[25] = 23;
    assert_eq!(read(&bad_second), Got::Skip(Skip::BadHello));
}

#[test]
fn broken_hellos() {
    assert_eq!(read(&record(22, &message(1, &[]))), Got::Skip(Skip::BadHello));
    assert_eq!(read(&record(22, &message(1, &[3, 3, 1]))), Got::Skip(Skip::BadHello));
    assert_eq!(read(&Builder::new().version(0xfefd).records(&[])), Got::Skip(Skip::BadHello));
    assert_eq!(read(&Builder::new().version(0xfefd).records(&[9])), Got::Skip(Skip::BadHello));
}

#[test]
fn record_versions() {
    for minor in 0..=4 {
        let mut stream = Builder::new().records(&[]);
        stream[2] = minor;
        assert!(matches!(read(&stream), Got::Hello { .. }));
    }
}

#[test]
fn probe_decides_at_six_bytes() {
    let stream = Builder::new().records(&[1]);
    for len in 0..6 {
        assert_eq!(Tls.probe(&stream[..len]), Probe::NotYet, "{len}");
    }
    assert_eq!(Tls.probe(&stream[..6]), Probe::Yes);
    assert_eq!(Tls.probe(&stream), Probe::Yes);
    assert_eq!(Tls.probe(&[22, 3, 1, 0, 0]), Probe::No);
    assert_eq!(Tls.probe(&[22, 3, 5]), Probe::No);
    assert_eq!(Tls.probe(&[22, 3, 1, 0, 9, 2]), Probe::No);
}

#[test]
fn reader_forgets_the_stream_before() {
    let (one, two) = (Builder::new().sni("one"), Builder::new().sni("two"));
    let mut reader = Tls.reader();
    let first = one.records(&[7, 30]);
    assert_eq!(read_with(&mut *reader, &first), hello(&one, "one", 3, first.len()));
    let second = two.records(&[40]);
    assert_eq!(read_with(&mut *reader, &second[..60]), Got::Need(second.len()));
    assert_eq!(read_with(&mut *reader, &second), hello(&two, "two", 2, second.len()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_proper_prefix_needs_more(sizes in prop::collection::vec(1..60_usize, 0..80), name in "[a-z.]{1,80}") {
        let builder = Builder::new().sni(&name).alpn(&["h2"]).versions(&[0x0304]);
        let stream = builder.records(&sizes);
        let mut reader = Tls.reader();
        for len in 0..stream.len() {
            match read_with(&mut *reader, &stream[..len]) {
                Got::Need(total) => prop_assert!(total > len && total <= stream.len(), "{total} at {len}"),
                other => prop_assert!(false, "{other:?} at {len}"),
            }
        }
        let Got::Hello { name: read, wire_len, message, .. } = read_with(&mut *reader, &stream) else {
            return Err(TestCaseError::fail("no hello"));
        };
        prop_assert_eq!(read, name.into_bytes());
        prop_assert_eq!(wire_len, stream.len());
        prop_assert_eq!(message, builder.message());
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut reader = Tls.reader();
        reader.read(&bytes);
        reader.read(&record(22, &[&[1], &bytes[..]].concat()));
        reader.read(&records(&message(1, &bytes), &[3, 1]));
        let fixed = Builder::new().raw(&bytes);
        let stream = fixed.records(&[]);
        prop_assert!(matches!(reader.read(&stream), Reading::Hello(_)));
    }

    #[test]
    fn changed_bytes_never_panic_or_read_past(at in 0..200_usize, byte: u8, sizes in prop::collection::vec(1..60_usize, 0..5)) {
        let mut stream = Builder::new().sni("a.example").alpn(&["h2"]).versions(&[0x0304]).records(&sizes);
        let at = at % stream.len();
        stream[at] = byte;
        let mut reader = Tls.reader();
        for len in 0..=stream.len() {
            match reader.read(&stream[..len]) {
                Reading::Need(total) => prop_assert!(total > len),
                Reading::Hello(hello) => prop_assert!(hello.wire_len <= len),
                Reading::Skip(_) => {}
            }
        }
    }
}
