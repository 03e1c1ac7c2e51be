#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    sni_watch::run::entries::find("records").map(|entry| (entry.run)(bytes));
});
