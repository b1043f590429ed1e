//! See `src/fuzzing.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| empire_controller::fuzzing::replies_of_secrets(data));
