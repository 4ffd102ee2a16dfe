//! Claim: the README's table of systems is the registry.

#[test]
fn the_readme_lists_every_system() {
    let readme = include_str!("../../../README.md");
    let rows = brigand::registry::rows()
        .map(|system| format!("| `{}` | {} | {} |", system.name, system.summary, system.paper));
    let missing: Vec<String> = rows.filter(|row| !readme.contains(row)).collect();
    assert!(missing.is_empty(), "the README's table of systems lacks these rows:\n{}", missing.join("\n"));
}
