/// Arrays of a statement's parameters that need not be spelled out: taking equal values apart costs
/// the server as much as taking different ones.
extension Array where Element: Equatable {
    /// One element for all where they are equal: the statements repeat it.
    var oneIfAlike: [Element] {
        dropFirst().allSatisfy { $0 == self[0] } ? Array(prefix(1)) : self
    }
}

extension Array {
    /// No element where all of them are `nil`: the statements take that for as many nulls.
    func noneIfNil<Value>() -> [Element] where Element == Value? {
        allSatisfy { $0 == nil } ? [] : self
    }
}
