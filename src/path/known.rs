//! Names that connections have in common: a mesh uses few of them again and again, and each is held once.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState as Secret;

use crate::model::name::Name;

/// Names that are known at once; another one may take the place of each.
const NAMES: usize = 4096;

/// The names seen lately.
#[derive(Default)]
pub(super) struct Known {
    secret: Secret,
    /// Empty, or [`NAMES`] long.
    names: Vec<Option<Arc<Name>>>,
}

impl Known {
    /// The same name, as it was seen before if it was.
    pub(super) fn shared(&mut self, name: &Arc<Name>) -> Arc<Name> {
        if self.names.is_empty() {
            self.names = vec![None; NAMES];
        }
        let place = usize::try_from(self.secret.hash_one(name.text())).unwrap_or_default() % NAMES;
        match self.names.get_mut(place) {
            Some(Some(known)) if *known == *name => Arc::clone(known),
            Some(slot) => {
                *slot = Some(Arc::clone(name));
                Arc::clone(name)
            }
            None => Arc::clone(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn equal_names_are_one_and_others_are_not() {
        let mut known = Known::default();
        let first = known.shared(&sample::mesh_name("currency", "dc2"));
        let again = known.shared(&sample::mesh_name("currency", "dc2"));
        assert!(Arc::ptr_eq(&first, &again));
        let other = known.shared(&sample::mesh_name("currency", "dc1"));
        assert_eq!(*other, *sample::mesh_name("currency", "dc1"));
        for name in (0..10_000).map(|n| n.to_string()) {
            assert_eq!(known.shared(&sample::foreign_name(&name)).text(), Some(name.as_str()));
        }
        assert_eq!(known.names.len(), NAMES);
    }
}
