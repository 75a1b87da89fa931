//! How rows are spread over warehouses, shops or slices.

use wdt_models::{Endpoint, Slice, SyncMode};

use crate::{
    dice::Dice,
    places::{self, GROUPS},
};

/// How much more often than each other one the first value of a dimension is met.
const FIRST_VALUE_WEIGHT: usize = 4;

/// How rows are spread; what each row belongs to follows from its number alone.
#[derive(Debug)]
pub(crate) enum Spread {
    /// Over as many warehouses or shops as there are, in turn.
    Places,
    /// Over the slices of a snapshot, the first ones getting most.
    Slices(Schedule),
}

/// The slices of a snapshot and a schedule that is gone through again and again.
#[derive(Debug)]
pub(crate) struct Schedule {
    slices: Vec<Slice>,
    weights: Vec<u64>,
    /// For each row of a round its slice, and how many of the round are in that slice before it.
    round: Vec<(usize, u64)>,
}

impl Spread {
    /// How the rows of an endpoint are spread.
    pub(crate) fn new(endpoint: &Endpoint, seed: u64) -> Self {
        match endpoint.sync {
            SyncMode::Slices(dimensions) => {
                let values: Vec<_> = dimensions.iter().map(places::values).collect();
                Self::Slices(Schedule::new(Slice::all(dimensions, &values), &values, seed))
            }
            SyncMode::Incremental(_) | SyncMode::Ids(_) => Self::Places,
        }
    }

    /// Every slice; empty where there are no slices.
    pub(crate) fn slices(&self) -> &[Slice] {
        match self {
            Self::Places => &[],
            Self::Slices(schedule) => &schedule.slices,
        }
    }

    /// How many parts there are.
    pub(crate) fn parts(&self) -> usize {
        match self {
            Self::Places => GROUPS,
            Self::Slices(schedule) => schedule.slices.len(),
        }
    }

    /// The part a row belongs to.
    pub(crate) fn part(&self, id: u32) -> usize {
        match self {
            Self::Places => places::group(id),
            Self::Slices(schedule) => schedule.at(id).0,
        }
    }

    /// The slice a row belongs to.
    pub(crate) fn slice(&self, id: u32) -> Option<&Slice> {
        match self {
            Self::Places => None,
            Self::Slices(schedule) => schedule.slices.get(schedule.at(id).0),
        }
    }

    /// What a row of a slice is about, and which of the rows about it it is: several batches or channels share one.
    pub(crate) fn subject(&self, id: u32) -> (u64, u64) {
        let Self::Slices(schedule) = self else { return (u64::from(id), 0) };
        let (slice, number) = schedule.at(id);
        let each = match schedule.slices.get(slice).and_then(|slice| slice.value("type")) {
            Some("2") => 3,
            Some("3") => 2,
            _ => 1,
        };
        (number / each, number % each)
    }

    /// The parts whose slices have all these values.
    pub(crate) fn matching(&self, wanted: &[(&str, &str)]) -> Vec<usize> {
        let fits = |slice: &Slice| wanted.iter().all(|(name, value)| slice.value(name) == Some(value));
        (0..).zip(self.slices()).filter(|(_, slice)| fits(slice)).map(|(part, _)| part).collect()
    }
}

impl Schedule {
    fn new(slices: Vec<Slice>, values: &[Vec<String>], seed: u64) -> Self {
        let weight = |slice: &Slice| {
            let first = slice.0.iter().zip(values).filter(|((_, value), values)| values.first() == Some(value));
            FIRST_VALUE_WEIGHT.pow(u32::try_from(first.count()).unwrap_or(0))
        };
        let weights: Vec<usize> = slices.iter().map(weight).collect();
        let mut order: Vec<usize> =
            (0..).zip(&weights).flat_map(|(slice, &weight)| std::iter::repeat_n(slice, weight)).collect();
        let mut dice = Dice::new(seed, &[8]);
        for place in (1..order.len()).rev() {
            let other = usize::try_from(dice.below(place as u64 + 1)).unwrap_or(0);
            order.swap(place, other);
        }
        let mut so_far = vec![0; slices.len()];
        let numbered = |slice: usize| {
            so_far[slice] += 1;
            (slice, so_far[slice] - 1)
        };
        let round = order.into_iter().map(numbered).collect();
        Self { slices, weights: weights.into_iter().map(|weight| weight as u64).collect(), round }
    }

    /// The slice of a row, and its number in that slice.
    fn at(&self, id: u32) -> (usize, u64) {
        let (rounds, place) = (id as usize / self.round.len(), id as usize % self.round.len());
        let (slice, number) = self.round[place];
        (slice, rounds as u64 * self.weights[slice] + number)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use wdt_models::endpoints;

    use super::*;

    #[test]
    fn rows_of_a_slice_are_numbered_without_a_gap() {
        let Some(endpoint) = endpoints::find("cainiao_inventory") else { return };
        let Spread::Slices(schedule) = Spread::new(endpoint, 1) else { return };
        let mut next = vec![0; schedule.slices.len()];
        for id in 0..2_000 {
            let (slice, number) = schedule.at(id);
            assert_eq!(number, next[slice]);
            next[slice] += 1;
        }
        let distinct: BTreeSet<_> = next.iter().collect();
        assert!(next.iter().all(|&rows| rows > 0) && distinct.len() > 3, "{next:?}");
    }

    #[test]
    fn values_select_slices_and_a_missing_one_selects_more() {
        let Some(endpoint) = endpoints::find("cainiao_inventory") else { return };
        let spread = Spread::new(endpoint, 1);
        let count = |wanted: &[(&str, &str)]| spread.matching(wanted).len();
        assert_eq!(count(&[("store_code", "STORE_1"), ("type", "2"), ("inventory_type", "101")]), 1);
        assert_eq!((count(&[("type", "2")]), count(&[("store_code", "STORE_9")]), spread.parts()), (24, 0, 72));
    }
}
