//! The list of open calls as bytes: how it stands in the head of the log.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::StoreError;

/// The names of nodes with open calls.
pub(crate) fn nodes(listed: &[u8]) -> Result<Vec<String>, StoreError> {
    Ok(decode(listed)?.into_keys().collect())
}

/// A node: its name, how many calls, and how far apart their indexes are. All numbers are LEB128.
pub(crate) fn put_node<'i>(out: &mut Vec<u8>, name: &str, count: usize, indexes: impl Iterator<Item = &'i u64>) {
    if count == 0 {
        return;
    }
    put_number(out, name.len() as u64);
    out.extend_from_slice(name.as_bytes());
    put_number(out, count as u64);
    let mut last = 0;
    for index in indexes {
        put_number(out, index - last);
        last = *index;
    }
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// All nodes of a list, each with the indexes of its intents.
pub(crate) fn decode(mut bytes: &[u8]) -> Result<BTreeMap<String, BTreeSet<u64>>, StoreError> {
    let mut nodes = BTreeMap::new();
    while !bytes.is_empty() {
        let node = take_node(&mut bytes);
        let (name, open) = node.ok_or_else(|| StoreError::Unreadable {
            what: "list of open calls",
            why: "it is cut off, or not one".into(),
        })?;
        nodes.insert(name, open);
    }
    Ok(nodes)
}

fn take_node(bytes: &mut &[u8]) -> Option<(String, BTreeSet<u64>)> {
    let length = usize::try_from(take_number(bytes)?).ok()?;
    let name = std::str::from_utf8(bytes.split_off(..length)?).ok()?.to_owned();
    let count = take_number(bytes)?;
    let (mut open, mut last) = (BTreeSet::new(), 0u64);
    for _ in 0..count {
        last = last.checked_add(take_number(bytes)?)?;
        open.insert(last);
    }
    Some((name, open))
}

fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.split_off_first()?;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_is_cut_off_is_none() {
        let mut whole = Vec::new();
        put_node(&mut whole, "node-one", 2, [3, 300].iter());
        assert_eq!(decode(&whole).unwrap()["node-one"], BTreeSet::from([3, 300]));
        for length in 1..whole.len() {
            assert!(decode(&whole[..length]).is_err(), "{length}");
        }
        assert!(decode(&[0xff; 12]).is_err());
    }
}
