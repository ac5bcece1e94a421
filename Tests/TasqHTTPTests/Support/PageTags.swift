/// The elements of a page, read as strictly as it is written: every tag is closed, every value
/// stands between quotes, and whatever looks like a tag is one.
struct PageTags {
    struct Tag {
        let name: String
        var attributes: [String: String] = [:]
        /// The places of the elements around it, the outermost first.
        let around: [Int]
        /// All text in it.
        var text = ""
        /// The text in it that stands in no element of its own.
        var ownText = ""
    }

    private(set) var tags: [Tag] = []
    /// What is wrong with the page as HTML.
    private(set) var faults: [String] = []

    private static let endless: Set = ["meta", "link", "input", "img", "br", "hr"]

    init(_ page: String) {
        var open: [Int] = []
        for part in page.split(separator: "<") {
            guard let end = part.firstIndex(of: ">") else {
                faults.append("no tag: \(part.prefix(40))")
                continue
            }
            let (inner, text) = (part[..<end], part[part.index(after: end)...])
            if inner.hasPrefix("/") {
                close(inner.dropFirst(), &open)
            } else if !inner.hasPrefix("!") {
                add(inner, &open)
            }
            for place in open { tags[place].text += text }
            if let place = open.last { tags[place].ownText += text }
        }
        faults += open.map { "<\(tags[$0].name)> is not closed" }
    }

    private mutating func close(_ name: Substring, _ open: inout [Int]) {
        guard let depth = open.lastIndex(where: { tags[$0].name == name }) else {
            faults.append("</\(name)> closes nothing")
            return
        }
        faults += open[(depth + 1)...].map { "<\(tags[$0].name)> is not closed" }
        open.removeSubrange(depth...)
    }

    private mutating func add(_ inner: Substring, _ open: inout [Int]) {
        let name = String(inner.prefix { $0.isLetter || $0.isNumber })
        var tag = Tag(name: name, around: open)
        var rest = inner.dropFirst(name.count).drop(while: \.isWhitespace)
        while !rest.isEmpty, rest != "/" {
            let key = String(rest.prefix { $0 != "=" && $0 != "/" && !$0.isWhitespace })
            guard !key.isEmpty else {
                faults.append("<\(name)> has \(rest.prefix(40))")
                break
            }
            rest = rest.dropFirst(key.count)
            var value = ""
            if rest.hasPrefix("=\"") {
                value = String(rest.dropFirst(2).prefix { $0 != "\"" })
                rest = rest.dropFirst(value.count + 3)
            } else if rest.hasPrefix("=") {
                faults.append("<\(name)> has \(key) without quotes")
            }
            if tag.attributes.updateValue(value, forKey: key) != nil {
                faults.append("<\(name)> has \(key) twice")
            }
            rest = rest.drop(while: \.isWhitespace)
        }
        tags.append(tag)
        if !Self.endless.contains(name), rest != "/" { open.append(tags.count - 1) }
    }

    func all(_ names: String...) -> [Tag] { tags.filter { names.contains($0.name) } }

    /// Whether an element of this name is around another.
    func isWithin(_ tag: Tag, _ name: String) -> Bool {
        tag.around.contains { tags[$0].name == name }
    }
}

extension PageTags {
    /// What is in the way of those who do not see the page, or who have a keyboard alone: what can
    /// be told without a browser of the rules that such programs as axe check.
    var barriers: [String] {
        faults + outline + names + forms + tables
    }

    /// The page as a whole, and its headings.
    private var outline: [String] {
        var barriers: [String] = []
        if all("html").first?.attributes["lang"]?.isEmpty != false { barriers.append("no lang") }
        if all("title").first?.text.isBlank != false { barriers.append("no title") }
        for name in ["h1", "main"] where all(name).count != 1 {
            barriers.append("\(all(name).count) of <\(name)>")
        }
        var level = 0
        for heading in all("h1", "h2", "h3", "h4", "h5", "h6") {
            let next = Int(heading.name.dropFirst()) ?? 0
            if next > level + 1 { barriers.append("<\(heading.name)> after <h\(level)>") }
            if heading.text.isBlank { barriers.append("an empty <\(heading.name)>") }
            level = next
        }
        let ids = tags.compactMap { $0.attributes["id"] }
        for (id, count) in Dictionary(ids.map { ($0, 1) }, uniquingKeysWith: +) where count > 1 {
            barriers.append("\(count) of id=\(id)")
        }
        return barriers
    }

    /// What has to have a name: pictures, links, buttons, parts of the page.
    private var names: [String] {
        var barriers: [String] = []
        for picture in all("svg") where picture.attributes["aria-hidden"] != "true" {
            let isNamed = picture.attributes["aria-label"]?.isBlank == false
            if picture.attributes["role"] != "img" || !isNamed {
                barriers.append("a nameless <svg>")
            }
        }
        for picture in all("img") where picture.attributes["alt"] == nil {
            barriers.append("an <img> without alt")
        }
        for tag in all("a", "button") {
            if tag.text.isBlank, tag.attributes["aria-label"]?.isBlank != false {
                barriers.append("a nameless <\(tag.name)>")
            }
            if tag.name == "a", tag.attributes["href"]?.isEmpty != false {
                barriers.append("an <a> that leads nowhere: \(tag.text)")
            }
        }
        let parts = all("nav").map { $0.attributes["aria-label"] ?? "" }
        if parts.count > 1, Set(parts).count < parts.count || parts.contains("") {
            barriers.append("<nav> named \(parts)")
        }
        for tag in tags where Int(tag.attributes["tabindex"] ?? "0") ?? 1 > 0 {
            barriers.append("tabindex of <\(tag.name)>")
        }
        return barriers
    }

    /// What is filled in.
    private var forms: [String] {
        let targets = all("label").compactMap { $0.attributes["for"] }
        var barriers: [String] = []
        for field in all("input", "select", "textarea") {
            if ["hidden", "submit"].contains(field.attributes["type"] ?? "") { continue }
            let isAround = field.around.contains { place in
                tags[place].name == "label" && !tags[place].ownText.isBlank
            }
            let isNamed = field.attributes["aria-label"]?.isBlank == false
            let isMeant = field.attributes["id"].map { targets.contains($0) } ?? false
            if !isAround, !isNamed, !isMeant {
                barriers.append("no label of \(field.attributes["name"] ?? field.name)")
            }
            if !isWithin(field, "form") { barriers.append("a field outside of a form") }
        }
        return barriers
    }

    /// Tables and lists.
    private var tables: [String] {
        var barriers: [String] = []
        for (place, table) in tags.enumerated() where table.name == "table" {
            if !all("th").contains(where: { $0.around.contains(place) }) {
                barriers.append("a table without headings")
            }
        }
        for heading in all("th") {
            if !["col", "row"].contains(heading.attributes["scope"] ?? "") {
                barriers.append("a <th> without scope: \(heading.text)")
            }
            if heading.text.isBlank { barriers.append("an empty <th>") }
        }
        for (names, lists) in [(["li"], ["ul", "ol"]), (["dt", "dd"], ["dl"])] {
            for item in tags where names.contains(item.name) {
                let list = item.around.last.map { tags[$0].name } ?? ""
                if !lists.contains(list) { barriers.append("a <\(item.name)> in <\(list)>") }
            }
        }
        return barriers
    }
}

extension String {
    fileprivate var isBlank: Bool { allSatisfy(\.isWhitespace) }
}
