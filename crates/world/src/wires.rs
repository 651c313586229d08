//! A place for a server on the other side of wires that a test may cut: what is sent is lost, and nobody is told.
//!
//! A connection that is closed is noticed at once. One whose packets vanish is not, at either end: that is what a switch
//! that died does. Needs root and `ip`, for a network namespace and virtual cables into it.

use std::process::Command;

/// A network namespace with some wires into it; taken away when dropped.
pub struct Wires {
    name: String,
    count: u8,
}

impl Wires {
    /// Lays `count` wires; `None` where that is not possible.
    pub fn lay(count: u8) -> Option<Self> {
        let number: u16 = u16::from_ne_bytes(crypto::random());
        let wires = Self { name: format!("pcl{number:04x}"), count };
        let laid = ip(&["netns", "add", &wires.name])
            && ip(&["-n", &wires.name, "link", "set", "lo", "up"])
            && (0..count).all(|wire| wires.lay_one(wire));
        laid.then_some(wires)
    }

    fn lay_one(&self, wire: u8) -> bool {
        let (name, near, far) = (self.name.as_str(), self.near(wire), self.far(wire));
        let (here, there) = (format!("{}/30", self.address_here(wire)), format!("{}/30", self.address(wire)));
        ip(&["link", "add", &near, "type", "veth", "peer", "name", &far, "netns", name])
            && ip(&["address", "add", &here, "dev", &near])
            && ip(&["-n", name, "address", "add", &there, "dev", &far])
            && ip(&["link", "set", &near, "up"])
            && ip(&["-n", name, "link", "set", &far, "up"])
            && self.remember_the_far_end(wire)
    }

    /// Otherwise a cut wire would be noticed after a while: nobody says any more who has that address.
    fn remember_the_far_end(&self, wire: u8) -> bool {
        let (far, near, address) = (self.far(wire), self.near(wire), self.address(wire));
        let shown = Command::new("ip").args(["-n", &self.name, "-br", "link", "show", &far]).output();
        let Ok(shown) = shown else { return false };
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        let Some(hardware) = shown.split_whitespace().nth(2) else { return false };
        ip(&["neighbour", "replace", &address, "lladdr", hardware, "dev", &near, "nud", "permanent"])
    }

    /// The namespace, as `ip netns exec` calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address of whoever listens at the far end, over that wire.
    pub fn address(&self, wire: u8) -> String {
        format!("{}{}", self.network(), 4 * wire + 2)
    }

    fn address_here(&self, wire: u8) -> String {
        format!("{}{}", self.network(), 4 * wire + 1)
    }

    /// From the network that is there for benchmarks (RFC 2544), and is nobody's.
    fn network(&self) -> String {
        let number = u16::from_str_radix(&self.name[3..], 16).unwrap_or_default();
        format!("198.{}.{}.", 18 + (number >> 8) % 2, number & 0xff)
    }

    fn near(&self, wire: u8) -> String {
        format!("{}n{wire}", self.name)
    }

    fn far(&self, wire: u8) -> String {
        format!("{}f{wire}", self.name)
    }

    /// From now everything is lost on that wire, both ways.
    ///
    /// # Panics
    /// When there is no such wire.
    pub fn cut(&self, wire: u8) {
        assert!(ip(&["-n", &self.name, "link", "set", &self.far(wire), "down"]), "wire {wire} of {}", self.count);
    }

    /// It passes everything again.
    ///
    /// # Panics
    /// When there is no such wire.
    pub fn mend(&self, wire: u8) {
        assert!(ip(&["-n", &self.name, "link", "set", &self.far(wire), "up"]), "wire {wire} of {}", self.count);
    }
}

impl Drop for Wires {
    fn drop(&mut self) {
        for wire in 0..self.count {
            ip(&["link", "del", &self.near(wire)]);
        }
        ip(&["netns", "del", &self.name]);
    }
}

fn ip(arguments: &[&str]) -> bool {
    Command::new("ip").args(arguments).output().is_ok_and(|done| done.status.success())
}
