//! Seeded draws (SplitMix64): the same seed gives the same rows, edits and faults on every machine.

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A stream of draws.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The stream that belongs to a seed and to what is drawn for; other parts give an unrelated stream.
    #[must_use]
    pub fn new(seed: u64, parts: &[u64]) -> Self {
        Self(parts.iter().fold(seed, |state, &part| mix(state.wrapping_add(STEP)) ^ mix(part)))
    }

    /// The next draw.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// A number below `bound`; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.draw().checked_rem(bound).unwrap_or(0)
    }

    /// Whether the one case in `bound` is drawn.
    pub fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    /// Whether an event of that probability (0 to 1) happens.
    pub fn happens(&mut self, probability: f64) -> bool {
        // 32 bits convert to f64 without loss, and are more than any rate needs
        let point = f64::from(u32::try_from(self.draw() >> 32).unwrap_or(0)) / f64::from(u32::MAX);
        probability > 0.0 && point <= probability
    }

    /// One of several; `None` where the slice is empty.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let index = usize::try_from(self.below(items.len() as u64)).unwrap_or(0);
        items.get(index)
    }
}

/// A number made from a text, always the same one.
pub(crate) fn number_of(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_by_seed_and_differ_by_part() {
        let draws = |seed, part| {
            (0..4)
                .map({
                    let mut dice = Dice::new(seed, &[part]);
                    move |_| dice.draw()
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(draws(1, 2), draws(1, 2));
        assert_ne!(draws(1, 2), draws(2, 1));
        assert_ne!(draws(1, 2), draws(1, 3));
    }

    #[test]
    fn rates_are_kept_at_the_ends_and_in_the_middle() {
        let mut dice = Dice::new(3, &[]);
        let hits = |rate: f64, dice: &mut Dice| (0..1000).filter(|_| dice.happens(rate)).count();
        assert_eq!(hits(0.0, &mut dice), 0);
        assert_eq!(hits(1.0, &mut dice), 1000);
        assert!((200..300).contains(&hits(0.25, &mut dice)));
    }
}
