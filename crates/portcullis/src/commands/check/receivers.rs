//! Who outside is told: can they be reached? Nothing is sent.

use model::config::Config;

use super::finding::{Finding, failure, ok, warning};
use crate::node;

pub async fn findings(config: &Config) -> Vec<Finding> {
    let receivers = match node::receivers(config) {
        Ok(receivers) => receivers,
        Err(error) => return vec![failure("notify", format!("{error:#}"))],
    };
    let mut findings = Vec::new();
    for (place, name) in config.notify.names() {
        let what = format!("{place}.{name}");
        findings.push(match receivers.reach(name).await {
            Some(Ok(())) => ok(what, format!("can be reached; `portcullis notify test {name}` sends a message")),
            Some(Err(said)) => failure(what, format!("can not be reached: {said}; nobody there hears of an approval")),
            None => continue,
        });
    }
    if findings.is_empty() && people_decide(config) {
        findings.push(warning(
            "notify",
            "nobody is told when an approval is asked for; approvers have to look at the console (`notify`)",
        ));
    }
    findings
}

/// Is there anybody who could be told something worth it?
fn people_decide(config: &Config) -> bool {
    !config.servers.is_empty() && config.public_url.is_https()
}
