//! Pure. Why an order was not obeyed, as a line has it.

/// Letters of the reason in a line about an order that was not carried out.
const LONGEST_WHY: usize = 300;

/// Why an order was not obeyed, as a line has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The box's, or the hub's own where the box refused nothing.
    pub code: String,
    /// A sentence of then, cut to what a line takes.
    pub why: String,
}

impl Failure {
    pub fn new(code: &str, why: &str) -> Self {
        Self {
            code: code.into(),
            why: why.chars().take(LONGEST_WHY).collect(),
        }
    }
}
