//! The program `brigand`.
fn main() {}
