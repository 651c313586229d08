//! The definitions in the lists of a server, as the gate reads them, and what the server says of itself.

use catalogue::Definition;
use mcp::{
    json::{self, Strict},
    list::{List, salvage},
};
use model::ListKind;

/// The member of `_meta` in which servers of the newest revision say what they are.
pub const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// A list, as records name it.
pub const fn kind(list: List) -> ListKind {
    match list {
        List::Tools => ListKind::Tools,
        List::Prompts => ListKind::Prompts,
        List::Resources => ListKind::Resources,
        List::Templates => ListKind::ResourceTemplates,
    }
}

/// An item of a list.
pub fn definition(list: List, item: Strict<'_>) -> Option<Definition> {
    let read = match list {
        List::Tools => Definition::of_tool(item),
        List::Prompts => Definition::of_prompt(item),
        List::Resources => Definition::of_resource(item),
        List::Templates => Definition::of_template(item),
    };
    read.ok()
}

/// All of a page that can be read, and how much of it can not. What has two readings, or no name, is nothing that could be
/// accepted.
pub fn definitions(page: &[u8], list: List) -> (Vec<Definition>, usize) {
    let salvaged;
    let (strict, taken_out) = match json::check(page) {
        Ok(strict) => (Some(strict), 0),
        Err(_) => {
            salvaged = salvage(page);
            let strict = salvaged.as_ref().and_then(|salvaged| json::check(&salvaged.message).ok());
            (strict, salvaged.as_ref().map_or(0, |salvaged| salvaged.taken_out.len()))
        }
    };
    let items = strict.and_then(|message| message.member("result")?.member(list.member())?.elements());
    let items = items.unwrap_or_default();
    let all = items.len() + taken_out;
    let read: Vec<_> = items.into_iter().filter_map(|item| definition(list, item)).collect();
    let unreadable = all - read.len();
    (read, unreadable)
}

/// What a server says of itself in the result of `server/discover` or `initialize`. What is missing, it says nothing of.
pub fn introduction(result: Strict<'_>) -> Vec<Definition> {
    let instructions = result.member("instructions").and_then(Strict::string).filter(|text| !text.is_empty());
    let instructions = instructions.and_then(|text| Definition::of_instructions(&text).ok());
    let infos = [result.member("serverInfo"), result.member("_meta").and_then(|meta| meta.member(SERVER_INFO))];
    let infos = infos.into_iter().flatten().filter_map(|info| Definition::of_server_info(info).ok());
    instructions.into_iter().chain(infos).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_read_is_and_the_rest_is_counted() {
        let page = br#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a"},{"name":"b","x":1,"x":2},{"name":"c d"},{"name":"e"}]}}"#;
        let (read, unreadable) = definitions(page, List::Tools);
        let names: Vec<_> = read.iter().map(|one| one.name().to_string()).collect();
        assert_eq!((names, unreadable), (vec!["a".to_owned(), "e".to_owned()], 2));
        for nothing in [&b"{"[..], b"{}", br#"{"result":{"tools":{}}}"#, br#"{"result":{"prompts":[]}}"#] {
            assert_eq!(definitions(nothing, List::Tools), (vec![], 0));
        }
    }

    #[test]
    fn what_a_server_says_of_itself_is_read_in_both_eras() {
        let names = |result: &str| -> Vec<String> {
            introduction(json::check(result.as_bytes()).unwrap()).iter().map(|one| one.name().to_string()).collect()
        };
        let session =
            r#"{"protocolVersion":"2025-11-25","instructions":"Hi.","serverInfo":{"name":"n","version":"1"}}"#;
        assert_eq!(names(session), ["instructions", "server_info"]);
        let discovered = r#"{"instructions":"Hi.","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"n"}}}"#;
        assert_eq!(names(discovered), ["instructions", "server_info"]);
        for silent in ["{}", r#"{"instructions":""}"#, r#"{"instructions":{}, "serverInfo":"x"}"#] {
            assert_eq!(names(silent), [""; 0], "{silent}");
        }
    }
}
