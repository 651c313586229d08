//! Whatever a server lists as a tool, and whatever a client calls it with: nothing panics or overflows, a definition reads back
//! as itself, and a check of arguments ends.
//!
//! The input is split at its first zero byte, into an item of a list and the arguments of a call.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_catalogue::{ArgumentSchema, Definition, differences, notes};
use portcullis_mcp::json::check;

fuzz_target!(|input: &[u8]| {
    let at = input.iter().position(|byte| *byte == 0).unwrap_or(input.len());
    let (item, arguments) = input.split_at(at);
    let Ok(strict) = check(item) else { return };
    assert_eq!(check(strict.canonical().as_bytes()).expect("canonical is strict").canonical(), strict.canonical());
    let Ok(definition) = Definition::of_tool(strict) else { return };
    let kept = Definition::kept(definition.name().clone(), definition.text());
    assert_eq!(kept.as_ref(), Some(&definition), "a definition reads back as itself");
    assert!(differences(&definition, &definition).is_empty());
    let _ = notes(&definition, None);
    if let Ok(Some(schema)) = ArgumentSchema::of(&definition)
        && let Ok(strict) = check(arguments.get(1..).unwrap_or_default())
        && let Ok(value) = serde_json::from_str(strict.as_str())
    {
        let _ = schema.check(&value);
    }
});
