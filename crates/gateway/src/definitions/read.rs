//! The definitions in the lists of a server, as the gate reads them.

use catalogue::Definition;
use mcp::{
    json::{self, Strict},
    list::{List, salvage},
};

/// An item of a list whose items are definitions; resources are none.
pub fn definition(list: List, item: Strict<'_>) -> Option<Definition> {
    let read = match list {
        List::Tools => Definition::of_tool(item),
        List::Prompts => Definition::of_prompt(item),
        List::Resources | List::Templates => return None,
    };
    read.ok()
}

/// All of a page that can be read. What has two readings, or no name, is nothing that could be accepted.
pub fn definitions(page: &[u8], list: List) -> Vec<Definition> {
    let salvaged;
    let strict = match json::check(page) {
        Ok(strict) => Some(strict),
        Err(_) => {
            salvaged = salvage(page);
            salvaged.as_ref().and_then(|salvaged| json::check(&salvaged.message).ok())
        }
    };
    let items = strict.and_then(|message| message.member("result")?.member(list.member())?.elements());
    items.unwrap_or_default().into_iter().filter_map(|item| definition(list, item)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_read_is_and_the_rest_is_left() {
        let page = br#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a"},{"name":"b","x":1,"x":2},{"name":"c d"},{"name":"e"}]}}"#;
        let names: Vec<_> = definitions(page, List::Tools).iter().map(|one| one.name().to_string()).collect();
        assert_eq!(names, ["a", "e"]);
        for nothing in [&b"{"[..], b"{}", br#"{"result":{"tools":{}}}"#, br#"{"result":{"prompts":[]}}"#] {
            assert_eq!(definitions(nothing, List::Tools), []);
        }
    }
}
