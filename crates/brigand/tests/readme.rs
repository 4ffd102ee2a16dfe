//! Claim: the README's table of systems is the registry.

#[test]
fn the_readme_lists_every_system() {
    let readme = include_str!("../../../README.md");
    for entry in brigand::registry::rows() {
        let row = format!("| `{}` | {} | {} |", entry.name, entry.summary, entry.paper);
        assert!(readme.contains(&row), "the README lacks the row\n{row}");
    }
}
