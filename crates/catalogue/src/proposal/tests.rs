use super::*;

fn tool(name: &str) -> Listed {
    Listed { name: name.into(), description: "x: #\ny".into(), hints: Vec::new(), arguments: Vec::new() }
}

#[test]
fn in_doubt_the_proposal_is_high() {
    assert_eq!(of_tool(&tool("get_ticket")), Tier::Low);
    assert_eq!(of_tool(&tool("update-ticket")), Tier::Medium);
    for name in ["delete_ticket", "transmogrify", "", "getaway", "execute_query"] {
        assert_eq!(of_tool(&tool(name)), Tier::High, "{name}");
    }
}

/// Names of public servers.
///
/// Field: O10, H5
#[test]
fn what_reads_secrets_goes_out_runs_or_destroys_is_never_proposed_low() {
    for name in [
        "get-env",
        "getEnv",
        "printEnv",
        "get_and_purge",
        "list_and_email",
        "fetch",
        "fetch_html",
        "get_secret_value",
        "readSecrets",
        "list_api_keys",
        "get_access_token",
        "search_and_delete",
        "read_query",
        "execute_sql",
        "run_command",
        "browser_navigate",
        "puppeteer_evaluate",
        "browser_click",
        "send_message",
        "slack_post_message",
        "create_payment",
        "list_cookies",
        "get_url",
        "HTTPRequest",
        "find_and_replace_shell",
        "merge_pull_request",
        "push_files",
        "export_customers",
    ] {
        assert_eq!(of_tool(&tool(name)), Tier::High, "{name}");
    }
    for (name, description) in [
        ("get_config", "Returns all environment variables of the process"),
        ("read_note", "Reads a note, then permanently removes it"),
        ("list_settings", "Lists settings including API keys"),
        ("get_page", "Opens any URL and returns it"),
    ] {
        let tool = Listed { description: description.into(), ..tool(name) };
        assert_eq!(of_tool(&tool), Tier::High, "{name}");
    }
}

/// Field: H5
#[test]
fn what_only_reads_is_not_proposed_high_for_an_unusual_word() {
    for name in [
        "lookup_customer",
        "convert_time",
        "directory_tree",
        "get_current_time",
        "list_allowed_directories",
        "read_file",
        "search_files",
        "get_file_info",
        "git_status",
        "list_issues",
        "search_repositories",
        "get_issue",
        "read_graph",
        "search_nodes",
        "open_status",
        "list_tables",
        "describe_table",
        "getUserProfile",
        "list-events",
        "calculate_total",
    ] {
        assert_eq!(of_tool(&tool(name)), Tier::Low, "{name}");
    }
    for name in [
        "write_file",
        "edit_file",
        "create_issue",
        "add_observations",
        "move_file",
        "update_page",
        "get_or_create_room",
    ] {
        assert_eq!(of_tool(&tool(name)), Tier::Medium, "{name}");
    }
}

/// Field: H5
#[test]
fn arguments_and_annotations_make_a_proposal_stricter_and_never_milder() {
    let with = |name: &str, arguments: &[&str], hints: &[(&'static str, bool)]| {
        let arguments = arguments.iter().map(|name| (*name).to_owned()).collect();
        of_tool(&Listed { arguments, hints: hints.to_vec(), ..tool(name) })
    };
    assert_eq!(with("get_page", &["id"], &[]), Tier::Low);
    assert_eq!(with("get_page", &["URL"], &[]), Tier::High, "any address");
    assert_eq!(with("list_rows", &["sql"], &[]), Tier::High);
    assert_eq!(with("get_page", &["id"], &[("destructiveHint", true)]), Tier::High);
    assert_eq!(with("get_page", &["id"], &[("readOnlyHint", false)]), Tier::Medium);
    assert_eq!(with("update_page", &["id"], &[("readOnlyHint", true)]), Tier::Medium);
    assert_eq!(with("drop_page", &["id"], &[("readOnlyHint", true), ("destructiveHint", false)]), Tier::High);
}

/// Field: S4
#[test]
fn resources_and_prompts_are_proposed_low_unless_they_open_other_doors() {
    for (uri, name, tier) in [
        ("file:///docs/readme.md", "readme", Tier::Low),
        ("notes://{id}/body", "note", Tier::High),
        ("notes://all/{id}", "note", Tier::Low),
        ("file:///{path}", "a file", Tier::High),
        ("file:///etc/shadow", "", Tier::High),
        ("config://app", "API keys", Tier::High),
        ("docs://x/.ssh/id", "", Tier::High),
    ] {
        assert_eq!(of_resource(uri, name), tier, "{uri}");
    }
    assert_eq!(of_prompt(&tool("summarize_issue")), Tier::Low);
    assert_eq!(of_prompt(&tool("send_mail")), Tier::High);
}
