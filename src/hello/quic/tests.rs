#[test]
fn zz_sizes() {
    println!(
        "reader {} step {} keys {} client {} server {}",
        size_of::<crate::hello::quic::reader::Reader>(),
        size_of::<crate::hello::quic::step::Step>(),
        size_of::<crate::hello::quic::keys::Keys>(),
        size_of::<crate::hello::quic::speech::Client>(),
        size_of::<crate::hello::quic::speech::Server>()
    );
}
