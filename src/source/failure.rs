//! Errors of libpcap as the user should read them: what failed, on which interface, and the remedy.

use std::fmt::Write as _;
use std::path::Path;

use crate::error::Error;

/// Why `interface` delivers no more.
pub(super) fn while_watched(interface: &str, error: &pcap::Error) -> Error {
    Error::Interface { name: interface.to_owned(), problem: words(error) }
}

/// Why the filter `expression` cannot be used.
pub(super) fn in_filter(expression: &str, error: &pcap::Error) -> Error {
    Error::Usage(format!("filter '{expression}': {}", words(error)))
}

/// Libpcap's own words, without the `pcap` crate's prefix.
pub(super) fn words(error: &pcap::Error) -> String {
    match error {
        pcap::Error::PcapError(text) if text.is_empty() => "libpcap failed and does not say why".to_owned(),
        pcap::Error::PcapError(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Names the interfaces that there are.
pub(super) fn missing<'n>(usable: impl Iterator<Item = &'n str>) -> String {
    let mut problem = "no such interface".to_owned();
    for (index, name) in usable.enumerate() {
        let lead = if index == 0 { "; there are: " } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(problem, "{lead}{name}");
    }
    problem
}

/// What to do about a refusal that libpcap puts in `words`.
pub(super) fn refused(interface: &str, words: &str, binary: Option<&Path>) -> String {
    let lower = words.to_ascii_lowercase();
    if lower.contains("permission") || lower.contains("not permitted") {
        return match binary {
            Some(binary) => {
                let binary = quoted(&binary.display().to_string());
                format!("no permission to capture: sudo setcap cap_net_raw=ep {binary} (or run it as root)")
            }
            None => "no permission to capture: run as root".to_owned(),
        };
    }
    if lower.contains("not up") || lower.contains("network is down") {
        return format!("the interface is down: sudo ip link set {interface} up");
    }
    words.to_owned()
}

/// `path` as one word of a shell.
fn quoted(path: &str) -> String {
    let is_plain = path.chars().all(|c| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+'));
    if is_plain { path.to_owned() } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{in_filter, missing, quoted, refused, while_watched, words};
    use crate::error::ExitCode;

    fn pcap_error(text: &str) -> pcap::Error {
        pcap::Error::PcapError(text.to_owned())
    }

    #[test]
    fn a_missing_interface_names_those_there_are() {
        assert_eq!(missing(["ens4", "lo"].into_iter()), "no such interface; there are: ens4, lo");
        assert_eq!(missing(std::iter::empty()), "no such interface");
    }

    #[test]
    fn no_permission_tells_the_command_for_this_very_binary() {
        let binary = Path::new("/opt/bin/sni-watch");
        let remedy =
            "no permission to capture: sudo setcap cap_net_raw=ep /opt/bin/sni-watch (or run it as root)";
        for told in [
            "ens4: You don't have permission to perform this capture on that device",
            "socket: Operation not permitted",
        ] {
            assert_eq!(refused("ens4", told, Some(binary)), remedy);
        }
        assert_eq!(refused("ens4", "Permission denied", None), "no permission to capture: run as root");
    }

    #[test]
    fn the_binarys_path_is_one_word_of_the_shell() {
        assert_eq!(quoted("/opt/my tools/it's"), r"'/opt/my tools/it'\''s'");
        assert_eq!(quoted("/opt/a-b_1.2/x"), "/opt/a-b_1.2/x");
    }

    #[test]
    fn a_sleeping_interface_tells_how_to_wake_it() {
        let remedy = "the interface is down: sudo ip link set ens4 up";
        assert_eq!(refused("ens4", "ens4: That device is not up", None), remedy);
        assert_eq!(refused("ens4", "bind: Network is down", None), remedy);
    }

    #[test]
    fn other_words_are_told_as_they_are() {
        assert_eq!(refused("ens4", "out of luck", None), "out of luck");
        assert_eq!(words(&pcap_error("out of luck")), "out of luck");
        assert_eq!(words(&pcap_error("")), "libpcap failed and does not say why");
        let error = while_watched("ens4", &pcap_error("The interface disappeared"));
        assert_eq!(error.to_string(), "ens4: The interface disappeared");
    }

    #[test]
    fn a_bad_filter_is_a_usage_error_with_the_expression() {
        let error = in_filter("prot 443", &pcap_error("syntax error"));
        assert_eq!(error.exit_code(), ExitCode::Usage);
        assert_eq!(error.to_string(), "filter 'prot 443': syntax error");
    }
}
