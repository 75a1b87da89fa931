//! One unit of a snapshot.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Dimension;

/// One unit of a snapshot: a value for each dimension, in their order. Empty where the whole list is the unit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Slice(pub Vec<(String, String)>);

impl Slice {
    /// Every combination of the dimensions' values, the first dimension's changing last.
    #[must_use]
    pub fn all(dimensions: &[Dimension], values: &[Vec<String>]) -> Vec<Self> {
        let mut slices = vec![Self::default()];
        for (dimension, values) in dimensions.iter().zip(values) {
            let longer = |slice: Self| {
                values.iter().map(move |value| {
                    let mut longer = slice.clone();
                    longer.0.push((dimension.name.to_owned(), value.clone()));
                    longer
                })
            };
            slices = slices.into_iter().flat_map(longer).collect();
        }
        slices
    }

    /// The value of a dimension.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Display for Slice {
    /// `store_code=STORE_1 type=1`, or `all` where the whole list is the unit.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("all");
        }
        for (place, (name, value)) in self.0.iter().enumerate() {
            write!(f, "{}{name}={value}", if place > 0 { " " } else { "" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_every_combination_in_order() {
        let dimension = |name| Dimension { name, setting: name, values: &[], default: &[], en: "" };
        let values = [vec!["A".to_owned(), "B".to_owned()], vec!["1".to_owned(), "2".to_owned()]];
        let slices = Slice::all(&[dimension("store"), dimension("type")], &values);
        let shown: Vec<_> = slices.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["store=A type=1", "store=A type=2", "store=B type=1", "store=B type=2"]);
        assert_eq!(slices[3].value("type"), Some("2"));
        assert_eq!(Slice::all(&[], &[]), [Slice::default()]);
        assert_eq!(Slice::default().to_string(), "all");
    }
}
