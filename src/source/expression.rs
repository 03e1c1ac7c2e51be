//! Filter expressions that also match VLAN-tagged frames.
//!
//! A tag shifts what follows it, so libpcap's `port 443` passes over every tagged frame (pcap-filter(7), `vlan`).
//! Nothing is compiled here: callers take [`candidates`] and attach the first that their capture compiles.

/// Keywords that move the decoding offsets for the rest of an expression (pcap-filter(7)). Who writes
/// one has said where the headers stand; a second copy of the words would mean something else.
const SHIFTING: [&str; 5] = ["vlan", "mpls", "pppoes", "geneve", "vxlan"];

/// `expression`, with or without one VLAN tag ahead of what it asks for.
pub fn with_vlan(expression: &str) -> String {
    format!("({expression}) or (vlan and ({expression}))")
}

/// What to compile for `expression`, best first; the plain expression is always the last.
///
/// Empty for a blank expression, which means no filter. If none compiles, libpcap's words about the
/// last one are those that the user understands. Link types without tags (`any`, tunnels, raw IP)
/// refuse `vlan`, and need none: there the kernel delivers the frames untagged.
pub fn candidates(expression: &str) -> Vec<String> {
    let expression = expression.trim();
    if expression.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::with_capacity(2);
    if is_balanced(expression) && !shifts_offsets(expression) {
        found.push(with_vlan(expression));
    }
    found.push(expression.to_owned());
    found
}

/// Whether the words hold one of [`SHIFTING`]; a host name such as `vlan-7.example` is none.
fn shifts_offsets(expression: &str) -> bool {
    expression
        .split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '\\')))
        .any(|word| SHIFTING.contains(&word))
}

/// Whether each parenthesis closes in its own expression: `tcp) or (udp` would become valid between
/// added ones, and hide the mistake.
fn is_balanced(expression: &str) -> bool {
    let end = expression.chars().try_fold(0_usize, |depth, c| match c {
        '(' => Some(depth.saturating_add(1)),
        ')' => depth.checked_sub(1),
        _ => Some(depth),
    });
    end == Some(0)
}

#[cfg(test)]
mod tests {
    use super::{candidates, with_vlan};

    #[test]
    fn tagged_and_untagged_frames_are_asked_for() {
        assert_eq!(with_vlan("port 443"), "(port 443) or (vlan and (port 443))");
    }

    #[test]
    fn the_plain_expression_comes_last() {
        assert_eq!(candidates(" tcp or udp\n"), ["(tcp or udp) or (vlan and (tcp or udp))", "tcp or udp"]);
    }

    #[test]
    fn a_blank_expression_is_no_filter() {
        assert!(candidates(" \n\t").is_empty());
    }

    #[test]
    fn words_that_place_the_headers_themselves_are_left_as_they_are() {
        for words in
            ["vlan 7 and tcp", "tcp or (vlan and tcp)", "mpls and tcp", "not vlan", "(pppoes)and tcp"]
        {
            assert_eq!(candidates(words), [words]);
        }
    }

    #[test]
    fn a_name_that_only_begins_with_the_keyword_is_wrapped() {
        for words in ["host vlan-7.example", "host vlan.example", "host my-vlan", "host vlans"] {
            assert_eq!(candidates(words).len(), 2, "{words}");
        }
    }

    #[test]
    fn a_parenthesis_too_few_or_too_many_is_not_mended() {
        for words in ["tcp) or (udp", "(tcp", "tcp)"] {
            assert_eq!(candidates(words), [words]);
        }
    }
}
