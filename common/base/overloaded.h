#pragma once
namespace evenkeel {
/// Lets std::visit take one lambda per alternative. With no catch-all lambda, an alternative that
/// is added to the variant and not handled here does not compile.
template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;
}  // namespace evenkeel
