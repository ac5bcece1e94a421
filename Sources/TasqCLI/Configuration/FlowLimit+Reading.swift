import Tasq

extension FlowLimit {
    /// Reads one entry of `flow_limits`; reports what is wrong and gives `nil` when it is unusable.
    init?(queue text: String, in limits: ConfigurationMapping) {
        guard let map = limits.mapping(text) else {
            limits.report(text, "must have a max_depth, a max_age or both")
            return nil
        }
        defer { map.finish() }
        let name = limits.name(text)
        let depth = map.value("max_depth") { text throws(InvalidInput) in
            try number(text, in: Self.depths)
        }
        let age = map.value("max_age") { text throws(InvalidInput) in
            try duration(text, in: Self.ages)
        }
        guard let queue = name else { return nil }
        guard depth != nil || age != nil else {
            // What is given and wrong is told already.
            if map.list("max_depth") == nil, map.list("max_age") == nil {
                limits.report(text, "must have a max_depth, a max_age or both")
            }
            return nil
        }
        self.init(unchecked: queue, maxDepth: depth, maxAge: age)
    }
}
