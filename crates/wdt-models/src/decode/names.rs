//! Member names to positions of fields, without ASCII case.

use std::collections::HashMap;

use crate::Field;

/// What a member name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The field of that name.
    Field(usize),
    /// The field that has the name as its alias.
    Alias(usize),
    /// No document names it.
    Unknown,
}

/// The names of a table of fields.
///
/// Records of a page bring their members in one order, so the field that followed last time is tried before the map.
pub(super) struct Names<'f> {
    fields: &'f [Field],
    index: HashMap<&'static str, Found>,
    /// The field that came after each field, and at the last place the one that came first.
    followers: Vec<usize>,
}

impl<'f> Names<'f> {
    pub(super) fn new(fields: &'f [Field]) -> Self {
        let aliases = fields.iter().enumerate();
        let aliases = aliases.filter_map(|(position, field)| Some((field.alias?, Found::Alias(position))));
        let names = fields.iter().enumerate().map(|(position, field)| (field.name, Found::Field(position)));
        Self { fields, index: aliases.chain(names).collect(), followers: (1..=fields.len()).chain([0]).collect() }
    }

    /// The place before a record's first member.
    pub(super) fn start(&self) -> usize {
        self.fields.len()
    }

    /// What the name means; `previous` is the position of the last field found, or [`Names::start`].
    pub(super) fn find(&mut self, previous: usize, name: &str) -> Found {
        let follower = self.followers[previous];
        if self.fields.get(follower).is_some_and(|field| field.name == name) {
            return Found::Field(follower);
        }
        let found = self.index.get(name.to_ascii_lowercase().as_str()).copied().unwrap_or(Found::Unknown);
        if let Found::Field(position) = found {
            self.followers[previous] = position;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static FIELDS: &[Field] = &[Field::int("a", "", ""), Field::int("b", "", "").alias("bb"), Field::int("c", "", "")];

    #[test]
    fn names_are_found_in_any_order_and_case() {
        let mut names = Names::new(FIELDS);
        for order in [["a", "b", "c"], ["C", "A", "B"], ["C", "A", "B"], ["b", "c", "a"]] {
            let mut previous = names.start();
            for name in order {
                let position = FIELDS.iter().position(|field| field.name == name.to_ascii_lowercase()).unwrap_or(9);
                assert_eq!(names.find(previous, name), Found::Field(position), "{name} in {order:?}");
                previous = position;
            }
        }
        assert_eq!(names.find(0, "BB"), Found::Alias(1));
        assert_eq!(names.find(0, "d"), Found::Unknown);
    }

    #[test]
    fn a_guess_is_learnt_and_never_trusted() {
        let mut names = Names::new(FIELDS);
        let start = names.start();
        assert_eq!(names.find(start, "c"), Found::Field(2));
        assert_eq!(names.followers[start], 2);
        assert_eq!(names.find(start, "a"), Found::Field(0));
    }
}
