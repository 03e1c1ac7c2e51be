//! Small questions about labels that several schemes ask.

/// Takes the last label off `rest`. `None` when nothing is left.
pub(super) fn pop<'n>(rest: &mut &'n str) -> Option<&'n str> {
    if rest.is_empty() {
        return None;
    }
    let (left, label) = last_dot(rest).unwrap_or(("", rest));
    *rest = left;
    Some(label)
}

/// What stands left and right of the first dot; see [`last_dot`].
pub(super) fn first_dot(text: &str) -> Option<(&str, &str)> {
    let dot = text.bytes().position(|byte| byte == b'.')?;
    Some((text.get(..dot)?, text.get(dot + 1..)?))
}

/// What stands left and right of the last dot. Labels are short: a plain walk finds it sooner than a search.
pub(super) fn last_dot(text: &str) -> Option<(&str, &str)> {
    let dot = text.as_bytes().iter().rposition(|byte| *byte == b'.')?;
    Some((text.get(..dot)?, text.get(dot + 1..)?))
}

/// Length of a UUID in bytes.
pub(super) const UUID_LEN: usize = 36;

/// 8-4-4-4-12 lower-case hexadecimal digits (RFC 9562 §4).
pub(super) fn is_uuid(label: &str) -> bool {
    let Ok(bytes) = <&[u8; UUID_LEN]>::try_from(label.as_bytes()) else { return false };
    // whole first: the compiler answers this many bytes at a time
    let (mut others, mut dashes) = (0_u8, 0_u8);
    for byte in bytes {
        others |= u8::from(!is_hex(*byte) && *byte != b'-');
        dashes += u8::from(*byte == b'-');
    }
    others == 0 && dashes == 4 && [8, 13, 18, 23].into_iter().all(|at| bytes.get(at) == Some(&b'-'))
}

/// A lower-case hexadecimal digit.
pub(super) fn is_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// A decimal number without sign that fits in `T`.
pub(super) fn is_number<T: std::str::FromStr>(label: &str) -> bool {
    label.bytes().all(|byte| byte.is_ascii_digit()) && label.parse::<T>().is_ok()
}

/// What follows `head` and its dot in `whole`; all of it where `head` is empty.
pub(super) fn after<'n>(whole: &'n str, head: &str) -> &'n str {
    let begin = if head.is_empty() { 0 } else { head.len() + 1 };
    whole.get(begin..).unwrap_or_default()
}

/// Service, namespace and the rest of a Kubernetes service's name, `service.namespace.svc[.domain]`.
pub(super) fn kubernetes(host: &str) -> Option<(&str, &str, &str)> {
    let (service, rest) = host.split_once('.')?;
    let (namespace, rest) = rest.split_once('.')?;
    (rest == "svc" || rest.starts_with("svc.")).then_some((service, namespace, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pop_takes_labels_from_the_right_until_none_is_left() {
        let mut rest = "a.b.c";
        assert_eq!([pop(&mut rest), pop(&mut rest)], [Some("c"), Some("b")]);
        assert_eq!((pop(&mut rest), pop(&mut rest)), (Some("a"), None));
    }

    #[test]
    fn uuids_have_five_groups_of_lower_case_hex() {
        assert!(is_uuid("5a5e0000-1111-4222-8333-444455556666"));
        for wrong in [
            "5a5e0000-1111-4222-8333-44445555666",
            "5a5e0000-1111-4222-8333-4444555566667",
            "5a5e0000-1111-4222-8333-44445555666g",
            "5A5E0000-1111-4222-8333-444455556666",
            "5a5e00001-111-4222-8333-444455556666",
            "",
        ] {
            assert!(!is_uuid(wrong), "{wrong}");
        }
    }

    #[test]
    fn numbers_have_no_sign_and_fit() {
        assert!(is_number::<u16>("65535") && is_number::<u16>("0"));
        for wrong in ["", "+1", "-1", "65536", "1a", " 1"] {
            assert!(!is_number::<u16>(wrong), "{wrong}");
        }
    }

    #[test]
    fn kubernetes_hosts_have_svc_as_third_label() {
        assert_eq!(kubernetes("a.b.svc.x.y"), Some(("a", "b", "svc.x.y")));
        assert_eq!(kubernetes("a.b.svc"), Some(("a", "b", "svc")));
        assert_eq!(kubernetes("a.svc.x.y"), None);
        assert_eq!(kubernetes("a.b.svcs.x"), None);
    }
}
