//! A scheme of the user's own: a regular expression whose named groups are the fields.

use regex::{Regex, RegexBuilder};

use crate::model::name::{Field, Values};

/// `mesh.scheme` and `mesh.kind` of names that the user's pattern fits.
pub const NAME: &str = "custom";

/// Group names and what they fill.
const GROUPS: [(&str, Field); 8] = [
    ("service", Field::Service),
    ("subset", Field::Subset),
    ("namespace", Field::Namespace),
    ("partition", Field::Partition),
    ("datacenter", Field::Datacenter),
    ("dc", Field::Datacenter),
    ("peer", Field::Peer),
    ("trust_domain", Field::TrustDomain),
];

/// A compiled pattern. It fits a name as a whole, whatever the case of either.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
    /// Capture group index and the field that it fills.
    groups: Vec<(usize, Field)>,
}

impl Pattern {
    /// Compiles `pattern`; `--name-pattern` gives it.
    ///
    /// # Errors
    /// No regular expression, a named group that is no field, `dc` beside `datacenter`, or no named group at
    /// all: a sentence for the user, without a full stop.
    pub fn compile(pattern: &str) -> Result<Self, String> {
        // Alone first: a pattern such as `a)|(?:b` must not become valid inside the group below.
        Regex::new(pattern).map_err(|error| problem(&error))?;
        let regex = whole(pattern, "")
            // A comment of verbose mode, `(?x)… # end`, runs to the end of its line.
            .or_else(|_| whole(pattern, "\n"))
            .map_err(|error| problem(&error))?;
        let groups = fields(&regex)?;
        Ok(Self { regex, groups })
    }

    /// Where the fields of `name` stand, in the form that schemes read; `None` where the pattern does not fit.
    pub fn parse(&self, name: &str) -> Option<Values> {
        let captures = self.regex.captures(name)?;
        let mut values = Values::default();
        for &(index, field) in &self.groups {
            if let Some(group) = captures.get(index) {
                values.set(field, group.start(), group.end());
            }
        }
        Some(values)
    }
}

fn whole(pattern: &str, end: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(&format!(r"\A(?:{pattern}{end})\z")).case_insensitive(true).build()
}

fn fields(regex: &Regex) -> Result<Vec<(usize, Field)>, String> {
    let mut groups: Vec<(usize, Field)> = Vec::new();
    for (index, name) in regex.capture_names().enumerate() {
        let Some(name) = name else { continue };
        let Some((_, field)) = GROUPS.iter().find(|(group, _)| *group == name) else {
            return Err(format!("no field is called '{name}'; groups may be called {}", group_names()));
        };
        if groups.iter().any(|(_, other)| other == field) {
            return Err("'dc' and 'datacenter' are the same field; use one of them".to_owned());
        }
        groups.push((index, *field));
    }
    if groups.is_empty() {
        return Err(format!(
            "the pattern has no named group, as (?<service>[^.]+); groups may be called {}",
            group_names()
        ));
    }
    Ok(groups)
}

fn group_names() -> String {
    GROUPS.map(|(group, _)| group).join(", ")
}

/// The last line of the library's message: the reason, without the drawing of the pattern.
fn problem(error: &regex::Error) -> String {
    let text = error.to_string();
    let reason = text.lines().last().unwrap_or_default();
    format!("the pattern is no regular expression: {}", reason.trim_start_matches("error: "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::Name;

    fn fit(pattern: &str, name: &str) -> Option<Name> {
        let values = Pattern::compile(pattern).unwrap().parse(name)?;
        Some(Name::new(name.into(), None).meaning(NAME, NAME, &values))
    }

    #[test]
    fn every_group_fills_its_field() {
        let pattern = "(?<service>s.)-(?<subset>u.)-(?<namespace>n.)-(?<partition>p.)-(?<datacenter>d.)-\
                       (?<peer>e.)-(?<trust_domain>t.)";
        let found = fit(pattern, "s1-u2-n3-p4-d5-e6-t7").unwrap();
        let all = Field::ALL.map(|field| found.field(field).unwrap_or_default());
        assert_eq!(all, ["s1", "u2", "n3", "p4", "d5", "e6", "t7"]);
    }

    #[test]
    fn dc_is_short_for_datacenter() {
        let found = fit(r"[^.]+\.(?<dc>[^.]+)\.shop\.example", "till.oslo.shop.example").unwrap();
        assert_eq!((found.datacenter(), found.service()), (Some("oslo"), None));
    }

    #[test]
    fn the_whole_name_must_fit_whatever_the_case() {
        let pattern = r"(?<service>[A-Z]+)\.SHOP\.example|(?<subset>v1)";
        assert_eq!(fit(pattern, "till.shop.example").unwrap().service(), Some("till"));
        assert_eq!(fit(pattern, "v1").unwrap().subset(), Some("v1"));
        for name in ["a.till.shop.example", "till.shop.example.evil.example", "v12"] {
            assert_eq!(fit(pattern, name), None, "{name}");
        }
    }

    #[test]
    fn a_group_that_takes_no_part_or_nothing_leaves_its_field_absent() {
        let found = fit("(?<service>a)(?<subset>b)?(?<peer>c*)", "a").unwrap();
        assert_eq!((found.service(), found.subset(), found.peer()), (Some("a"), None, None));
    }

    #[test]
    fn verbose_patterns_may_end_in_a_comment() {
        let found = fit("(?x) (?<service> [a-z]+ ) [.]shop # the till", "till.shop").unwrap();
        assert_eq!(found.service(), Some("till"));
    }

    #[test]
    fn what_is_wrong_with_a_pattern_is_said() {
        for (pattern, words) in [
            ("(?<service>a", "the pattern is no regular expression: unclosed group"),
            ("(?<service>a)|b)|(?:c", "the pattern is no regular expression: unopened group"),
            ("(?<shop>a)", "no field is called 'shop'; groups may be called service, subset,"),
            ("(?<dc>a)(?<datacenter>b)", "'dc' and 'datacenter' are the same field"),
            ("([a-z]+)", "the pattern has no named group, as (?<service>[^.]+);"),
            ("", "the pattern has no named group"),
        ] {
            let message = Pattern::compile(pattern).unwrap_err();
            assert!(message.starts_with(words), "{pattern}: {message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }
}
