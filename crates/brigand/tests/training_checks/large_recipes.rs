//! Claim: the recipes of large images build and train.

#[test]
fn every_recipe_file_of_large_images_trains() {
    crate::support::recipe_files::train_recipe_files(true);
}
