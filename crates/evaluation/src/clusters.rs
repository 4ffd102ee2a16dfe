//! How well clusters that were found without labels match classes.

use std::collections::BTreeMap;

use super::error::{Result, refused};

/// The share of samples that are of the most frequent class of their cluster, in (0, 1]: the accuracy when every
/// cluster is named after its majority. It cannot fall when clusters are split, so compare equal numbers of them.
///
/// # Errors
/// If there are no samples, or not as many classes as clusters.
pub fn purity(clusters: &[u32], classes: &[u32]) -> Result<f64> {
    if clusters.is_empty() || clusters.len() != classes.len() {
        return refused(format!(
            "{} clusters and {} classes are given; give one of each for every sample, and at least one sample",
            clusters.len(),
            classes.len()
        ));
    }
    let mut counts: BTreeMap<u32, BTreeMap<u32, usize>> = BTreeMap::new();
    for (&cluster, &class) in clusters.iter().zip(classes) {
        *counts.entry(cluster).or_default().entry(class).or_default() += 1;
    }
    let majority: usize = counts.values().filter_map(|of_class| of_class.values().max()).sum();
    Ok(majority as f64 / clusters.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cluster_counts_its_majority() {
        // Cluster 7 holds classes 1, 1, 0; cluster 3 holds 0, 2; cluster 0 holds 2.
        let found = purity(&[7, 7, 7, 3, 3, 0], &[1, 1, 0, 0, 2, 2]).unwrap();
        assert!((found - 4.0 / 6.0).abs() < 1e-12, "{found}");
        assert!((purity(&[5, 5, 9, 9], &[1, 1, 0, 0]).unwrap() - 1.0).abs() < 1e-12);
        assert!((purity(&[5; 4], &[1, 1, 0, 0]).unwrap() - 0.5).abs() < 1e-12);
    }

    #[test]
    fn samples_without_partner_are_refused() {
        assert!(purity(&[], &[]).is_err());
        assert!(purity(&[1, 2], &[1]).unwrap_err().to_string().contains("2 clusters and 1 classes"));
    }
}
