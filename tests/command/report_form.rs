//! The documents off the wire against guide §7: exactly its keys, of its types, in its order.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::bench::{Bench, arrivals};
use crate::library;

const DEVICE: &str = "device_info: {device: text, device_sn: text, device_mac: text, ip_address: text}";
const INTERVAL: &str = "time_info: {timezone: text, dst_status: bool, start_time: text, end_time: text}";
const TRIGGER: &str = "time_info: {time: text, timezone: text, dst_status: bool}";

/// What the guide prints, section by section, and what it becomes without regions or with a triangle for a flow region.
fn forms() -> Vec<(&'static str, String)> {
    let begins = format!("event: text, report_type: text, {DEVICE}, {INTERVAL}");
    let triggered = format!("event: text, report_type: text, {DEVICE}, {TRIGGER}");
    // §7.2 alone has `report_type` in third place.
    let counted =
        format!("event: text, {DEVICE}, {TRIGGER}, report_type: text, current_total: int, total_mapped_regions: int");
    let flow = |edges: &str| {
        let pairs: Vec<String> =
            edges.chars().flat_map(|from| edges.chars().map(move |to| format!("{from}-{to}: int"))).collect();
        format!("{{{begins}, flow_data: {{{}}}}}", pairs.join(", "))
    };
    vec![
        (
            "7.1 occupancy",
            format!(
                "{{{begins}, current_total: int, max_counted: int, total_mapped_regions: int, numbering_regions: [int], occupancy: [int]}}"
            ),
        ),
        (
            "7.1 counting",
            format!(
                "{{{begins}, current_total: int, Max_counted: int, total_mapped_regions: int, numbering_regions: [int], current_counted: [int]}}"
            ),
        ),
        (
            "7.1 without regions",
            format!("{{{begins}, current_total: int, Max_counted: int, total_mapped_regions: int}}"),
        ),
        ("7.2 occupancy", format!("{{{counted}, numbering_regions: [int], occupancy: [int]}}")),
        ("7.2 counting", format!("{{{counted}, numbering_regions: [int], current_counted: [int]}}")),
        ("7.2 without regions", format!("{{{counted}}}")),
        ("7.3", format!("{{{begins}, dwell_time_data: [{{region: int, max_dwell_time: int, avg_dwell_time: int}}]}}")),
        (
            "7.4",
            format!(
                "{{{triggered}, dwell_time_data: [{{region: int, people_id: int, dwell_start_time: text, dwell_end_time: text, duration: int}}]}}"
            ),
        ),
        (
            "7.5",
            format!(
                "{{{begins}, in_counted: int, out_counted: int, capacity_counted: int, total_data: {{in_cumulative_counted: int, \
                 out_cumulative_counted: int, capacity_cumulative_counted: int}}}}"
            ),
        ),
        ("7.6", format!("{{{triggered}, line_trigger_data: {{in: int, out: int}}}}")),
        ("7.7", flow("ABCD")),
        ("7.7 of a triangle", flow("ABC")),
    ]
}

/// The keys of a document in their order, and of what type each value is. All items of a list must be alike.
fn form(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<String> = fields.iter().map(|(key, value)| format!("{key}: {}", form(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        Value::Array(items) => {
            let forms: BTreeSet<String> = items.iter().map(form).collect();
            format!("[{}]", forms.into_iter().collect::<Vec<_>>().join(" or "))
        }
        Value::String(_) => "text".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(number) if number.is_i64() || number.is_u64() => "int".to_owned(),
        Value::Number(_) => "fraction".to_owned(),
        Value::Null => "null".to_owned(),
    }
}

/// A document without the picture that may come last, and the picture.
fn without_snapshot(mut document: Value) -> (Value, Option<Value>) {
    let fields = document.as_object_mut().expect("an object");
    let comes_last = fields.keys().next_back().is_some_and(|key| key == "snapshot");
    let snapshot = comes_last.then(|| fields.shift_remove("snapshot")).flatten();
    (document, snapshot)
}

/// A document without the names of regions, which newer firmware's can tell between their number and their numbers; and whether it told them.
fn without_names(mut document: Value) -> (Value, bool) {
    let fields = document.as_object_mut().expect("an object");
    let keys: Vec<&String> = fields.keys().collect();
    let is_in_place = keys.windows(3).any(|keys| keys == ["total_mapped_regions", "regions_name", "numbering_regions"]);
    let names = is_in_place.then(|| fields.shift_remove("regions_name")).flatten();
    if let Some(names) = &names {
        assert_eq!(form(names), "[text]");
        let lengths = [names, &fields["numbering_regions"]].map(|list| list.as_array().map(Vec::len));
        assert_eq!(lengths[0], lengths[1], "{fields:?}");
    }
    (document, names.is_some())
}

#[test]
fn every_report_has_the_form_that_the_guide_prints_and_every_form_is_sent_by_http_and_by_mqtt() {
    let bench = Bench::new();
    bench.oracle(&[library().to_str().unwrap(), "--out", "kept"]).exits(0);
    let forms = forms();
    let (mut seen, mut pictures, mut named) = (BTreeSet::new(), 0, 0);
    for scenario in fs::read_dir(bench.path("kept")).unwrap() {
        let folder = scenario.unwrap().path();
        for (to, document) in arrivals(&folder) {
            // The guide has no words for it: the test message is ours.
            if document["event"] == "Connection Test" {
                continue;
            }
            let protocol = if to.starts_with("POST ") { "HTTP" } else { "MQTT" };
            let (document, snapshot) = without_snapshot(document);
            assert!(snapshot.is_none() || protocol == "HTTP", "{}: a picture by MQTT", folder.display());
            pictures += usize::from(snapshot.is_some());
            let (document, tells_names) = without_names(document);
            named += usize::from(tells_names);
            let form = form(&document);
            let known = forms.iter().find(|(_, known)| *known == form);
            let (section, _) = known.unwrap_or_else(|| panic!("{}: {form} is not in the guide", folder.display()));
            seen.insert((*section, protocol));
        }
    }
    let all = forms.iter().flat_map(|(section, _)| ["HTTP", "MQTT"].map(|protocol| (*section, protocol)));
    let never: Vec<_> = all.filter(|cell| !seen.contains(cell)).collect();
    assert!(never.is_empty(), "no scenario of the library sends: {never:?}");
    assert!(pictures > 0 && named > 0, "no scenario of the library sends a picture, or names regions");
}
