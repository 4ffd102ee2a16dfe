//! One source loop, compiled for several instruction sets, chosen when it runs.
//!
//! No multiplication is fused with an addition, so a loop gives the same bytes on every processor.

/// Compiles a generic function of plain loops for AVX-512, for AVX2 and for any processor.
///
/// The body is repeated in each, so that its closures are compiled, and inlined, with the same instructions.
macro_rules! vectorised {
    ($(#[$attribute:meta])* $visibility:vis fn $name:ident<$($generic:ident: $bound:path),+>(
        $($argument:ident: $type:ty),* $(,)?
    ) $(-> $result:ty)? $body:block) => {
        $(#[$attribute])*
        #[allow(clippy::too_many_arguments)]
        $visibility fn $name<$($generic: $bound),+>($($argument: $type),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx2,fma")]
            fn wide<$($generic: $bound),+>($($argument: $type),*) $(-> $result)? $body
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn medium<$($generic: $bound),+>($($argument: $type),*) $(-> $result)? $body
            fn portable<$($generic: $bound),+>($($argument: $type),*) $(-> $result)? $body
            match $crate::element::Path::best() {
                // SAFETY: the path is available, so the processor has these features.
                #[cfg(target_arch = "x86_64")]
                $crate::element::Path::Avx512 | $crate::element::Path::Pairs => unsafe { wide($($argument),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::element::Path::Avx2 => unsafe { medium($($argument),*) },
                $crate::element::Path::Portable => portable($($argument),*),
            }
        }
    };
}
pub(crate) use vectorised;
