import Tasq
import TasqWebhooks

extension SourceEntry {
    /// Reads a source's `routes`, and looks for keys that mean nothing beside them; reports what is
    /// wrong and gives `nil` when one of them is unusable.
    static func routes(of entry: ConfigurationMapping) -> [WebhookRoute]? {
        guard let maps = entry.mappings("routes") else { return nil }
        let routes = maps.compactMap { WebhookRoute(reading: $0) }
        guard routes.count == maps.count else { return nil }
        if routes.isEmpty, entry.has("match") {
            entry.report("match", "has no meaning without routes")
        }
        if let all = routes.firstIndex(where: \.takesAll), entry.has("kind"),
            routes.allSatisfy({ $0.kind != nil })
        {
            entry.report(
                "kind", "is never used: routes[\(all)] takes every event, and all name their own")
        }
        return routes
    }
}

extension WebhookRoute {
    /// Reads one of a source's routes; reports what is wrong and gives `nil` when it is unusable.
    fileprivate init?(reading map: ConfigurationMapping) {
        defer { map.finish() }
        let conditions = Self.conditions(of: map)
        let types = map.list("type")?.map(\.text)
        let kind = map.value("kind") { text throws(InvalidInput) in try KindTemplate(text) }
        let options = SomeJobOptions(reading: map)
        let key = map.value("key") { text throws(InvalidInput) in
            try Location(text, field: "key")
        }
        let delay = map.value("delay") { text throws(InvalidInput) in try duration(text) }
        // Without one of these it would be another route.
        guard let conditions else { return nil }
        guard (types != nil) == map.has("type") else {
            map.report("type", "must be a type or a list of them")
            return nil
        }
        do {
            try self.init(
                types: types, where: conditions, kind: kind, options: options, key: key,
                delay: delay, field: map.path)
        } catch {
            map.report(error.description)
            return nil
        }
    }

    /// Reads `where`: places of the request, each with a value or a list of them.
    private static func conditions(of map: ConfigurationMapping) -> [Condition]? {
        guard map.has("where") else { return [] }
        guard let places = map.mapping("where"), !places.keys.isEmpty else {
            map.report("where", "must name a place and its value, as in body:/ref: refs/heads/main")
            return nil
        }
        defer { places.finish() }
        var conditions: [Condition] = []
        for text in places.keys {
            guard let values = places.list(text)?.map(\.text) else {
                if !places.isMapping(text) { places.report(text, "must have a value") }
                continue
            }
            do {
                conditions.append(Condition(try Location(text, field: text), values))
            } catch {
                places.report(text, error.rule)
            }
        }
        return conditions.count == places.keys.count ? conditions : nil
    }
}
