#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    sni_watch::hello::entries::datagrams(bytes);
});
