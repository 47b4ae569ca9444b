//! The command line: one command, then `--name value` pairs.

use std::{collections::HashMap, str::FromStr, time::Duration};

use anyhow::{Context, bail};

pub struct Args {
    command: String,
    options: HashMap<String, String>,
}

impl Args {
    pub fn parse(mut words: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let command = words.next().unwrap_or_else(|| "help".to_owned());
        let mut options = HashMap::new();
        while let Some(word) = words.next() {
            let Some(name) = word.strip_prefix("--") else {
                bail!("{word:?} is no option; options are --name value");
            };
            let value = words.next().with_context(|| format!("--{name} has no value"))?;
            options.insert(name.to_owned(), value);
        }
        Ok(Self { command, options })
    }

    pub fn command(&self) -> &str {
        &self.command
    }

    pub fn optional(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str)
    }

    pub fn required(&self, name: &str) -> anyhow::Result<&str> {
        self.optional(name).with_context(|| format!("--{name} is missing"))
    }

    /// The option's value as a `T`, or `None` if it is not given.
    pub fn value<T: FromStr>(&self, name: &str) -> anyhow::Result<Option<T>>
    where
        T::Err: std::error::Error + Send + Sync + 'static,
    {
        self.optional(name).map(|text| text.parse().with_context(|| format!("--{name} {text}"))).transpose()
    }

    /// A duration given in milliseconds.
    pub fn millis(&self, name: &str) -> anyhow::Result<Option<Duration>> {
        Ok(self.value(name)?.map(Duration::from_millis))
    }

    /// Bytes given in hex.
    pub fn bytes(&self, name: &str) -> anyhow::Result<Option<Vec<u8>>> {
        self.optional(name).map(|text| hex::decode(text).with_context(|| format!("--{name} {text}"))).transpose()
    }

    /// 32 bytes given in hex.
    pub fn key(&self, name: &str) -> anyhow::Result<Option<[u8; 32]>> {
        self.bytes(name)?
            .map(|bytes| {
                let length = bytes.len();
                bytes.try_into().map_err(|_| anyhow::anyhow!("--{name}: {length} bytes, not 32"))
            })
            .transpose()
    }
}
