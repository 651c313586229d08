//! Addresses that are not places on the public internet.

use std::net::IpAddr;

/// Is `address` reserved for a special use?
pub fn is_special_use(_address: IpAddr) -> bool {
    todo!()
}
