//! Every name that no mesh claims: the last row of the table, which always answers.

use crate::model::name::Flag;
use crate::naming::scheme::{Fields, Parts, Reading, Scheme};

/// The scheme.
pub struct Plain;

impl Scheme for Plain {
    fn name(&self) -> &'static str {
        "plain"
    }

    fn help(&self) -> &'static str {
        "any other name"
    }

    fn fields<'n>(&self, name: &'n str) -> Option<Fields<'n>> {
        read(name)
    }

    fn parts<'n>(&self, name: &'n str) -> Option<Parts<'n>> {
        read(name)
    }
}

/// Braces stand in no host name: a name with one is a Kuma name that is cut or damaged.
#[expect(clippy::unnecessary_wraps, reason = "as in every other scheme")]
fn read<'n, R: Reading<'n>>(name: &'n str) -> Option<R> {
    let braces = name.bytes().fold(false, |found, byte| found | matches!(byte, b'{' | b'}'));
    let reading = R::new(if braces { "malformed" } else { "other" });
    let meaning = if braces { "not a valid server name" } else { "a name that no known mesh has" };
    Some(reading.mark(name, meaning).flag_if(braces, Flag::KumaTags))
}
