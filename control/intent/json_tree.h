// A JSON document as a flat array of nodes, 24 bytes each, with the place of every value: what the
// loaders read from. Names are interned once for all documents, so that reading a member is a
// compare of two numbers and a million rules load in seconds. Control thread or an offline tool.
//
// Order: a container's first child follows it directly; siblings are chained. Node numbers rise in
// the order of the text, so they sort findings.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "control/intent/json_scan.h"

namespace sluice {

enum class JsonKind : uint8_t { kNull, kBool, kInteger, kFloat, kString, kArray, kObject };

// "a list", "a string": how messages name a kind.
std::string_view Describe(JsonKind kind);

// Member names of all documents of one load, numbered in order of appearance.
class JsonNames {
 public:
  JsonNames();
  ~JsonNames();
  JsonNames(const JsonNames&) = delete;
  JsonNames& operator=(const JsonNames&) = delete;

  static constexpr uint32_t kNone = ~uint32_t{0};
  uint32_t Intern(std::string_view name);
  uint32_t Find(std::string_view name) const;  // kNone when no document has it
  std::string_view Name(uint32_t id) const;
  size_t size() const;

 private:
  struct Table;
  std::unique_ptr<Table> table_;
};

class JsonTree;

// A value in a tree, or nothing (absent). Cheap to copy; the tree must outlive it.
class JsonValue {
 public:
  JsonValue() = default;
  JsonValue(const JsonTree* tree, uint32_t node) : tree_(tree), node_(node) {}

  bool exists() const { return tree_ != nullptr; }
  JsonKind kind() const;
  bool IsObject() const { return exists() && kind() == JsonKind::kObject; }
  bool IsArray() const { return exists() && kind() == JsonKind::kArray; }
  // Only of the matching kind.
  bool AsBool() const;
  int64_t AsInteger() const;
  double AsFloat() const;
  std::string_view AsString() const;
  uint32_t ChildCount() const;

  JsonValue FirstChild() const;   // of an object or array; absent when empty
  JsonValue NextSibling() const;  // absent after the last
  uint32_t NameId() const;        // of an object's member
  std::string_view Name() const;
  JsonValue Find(
      std::string_view member) const;  // the first of that name; absent when not an object

  // "vpc.json:$.Subnets[3].CidrBlock"
  std::string Path() const;
  // Sorts values by their place: the file's number, then the place in it.
  uint64_t Order() const;
  const JsonTree* tree() const { return tree_; }
  uint32_t node() const { return node_; }

 private:
  const JsonTree* tree_ = nullptr;
  uint32_t node_ = 0;
};

class JsonTree {
 public:
  // Bounds: a deeper or longer document is refused, so that no input exhausts the stack or the node
  // numbers.
  static constexpr uint32_t kMaxDepth = 64;
  static constexpr size_t kMaxTextBytes = size_t{1} << 31;

  struct ParseError {
    std::string json_path;  // as far as the text could be followed
    std::string what;
  };

  // `origin` names the document in paths ("vpc.json"), `file_number` orders it among the others.
  // `place` is that of the first character, for messages. Comments are allowed; anything after the
  // value is an error.
  static std::unique_ptr<JsonTree> Parse(std::string origin, uint32_t file_number, TextPlace place,
                                         std::string_view text, JsonNames* names,
                                         ParseError* error);

  JsonValue Root() const { return JsonValue(this, 0); }
  const JsonNames& names() const { return *names_; }

 private:
  friend class JsonValue;
  friend class JsonTreeBuilder;
  struct Node {
    uint32_t name = 0;  // member name id in an object, index in an array
    uint32_t parent = 0;
    uint32_t next = 0;  // next sibling; 0: none (the root is nobody's sibling)
    JsonKind kind = JsonKind::kNull;
    uint64_t bits = 0;  // integer, double, offset << 32 | length, number of children
  };
  static_assert(sizeof(Node) == 24);

  std::string origin_;
  uint32_t file_number_ = 0;
  JsonNames* names_ = nullptr;
  std::vector<Node> nodes_;
  std::string strings_;
};

}  // namespace sluice
