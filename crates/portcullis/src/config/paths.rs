//! Paths of the file are relative to the file: whoever runs a command from elsewhere means the same installation.

use std::path::{Path, PathBuf};

use model::config::{Config, StoreUrl};

/// Makes every relative path of `config` one below `base`, the folder of the file.
pub fn relative_to(config: &mut Config, base: &Path) {
    let fix = |path: &mut PathBuf| {
        if path.is_relative() {
            *path = base.join(&*path);
        }
    };
    if let Some(mut directory) = config.store.sqlite_directory() {
        fix(&mut directory);
        config.store = StoreUrl::sqlite_in(&directory);
    }
    fix(&mut config.data_dir);
    config.policies.iter_mut().for_each(fix);
    config.clients.extra_ca_file.iter_mut().for_each(fix);
    config.notify.extra_ca_file.iter_mut().for_each(fix);
    config.servers.values_mut().filter_map(|server| server.ca_file.as_mut()).for_each(fix);
    config.audit.witness.iter_mut().filter_map(|witness| witness.ca_file.as_mut()).for_each(fix);
    if let Some(tls) = &mut config.tls {
        fix(&mut tls.certificate_file);
        fix(&mut tls.key_file);
    }
}
