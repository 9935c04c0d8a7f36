//! Checks that the examples in the users' reference are sweeps without a problem.

use super::good;

#[test]
fn the_examples_of_the_reference_are_valid() {
    let reference = include_str!("../../../../docs/sweep-yaml.md");
    let examples: Vec<&str> =
        reference.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(examples.len(), 10);
    for example in examples {
        good(example);
    }
}
