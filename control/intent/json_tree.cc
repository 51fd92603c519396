#include "control/intent/json_tree.h"

#include <absl/container/flat_hash_map.h>

#include <bit>
#include <deque>
#include <limits>
#include <nlohmann/json.hpp>

namespace sluice {
namespace {

absl::string_view ToAbsl(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

std::string_view Describe(JsonKind kind) {
  switch (kind) {
    case JsonKind::kNull:
      return "null";
    case JsonKind::kBool:
      return "true or false";
    case JsonKind::kInteger:
      return "an integer";
    case JsonKind::kFloat:
      return "a fraction or a huge number";
    case JsonKind::kString:
      return "a string";
    case JsonKind::kArray:
      return "a list";
    case JsonKind::kObject:
      return "an object";
  }
  return "a value";
}

struct JsonNames::Table {
  std::deque<std::string> names;  // addresses are stable
  absl::flat_hash_map<absl::string_view, uint32_t> ids;
};

JsonNames::JsonNames() : table_(std::make_unique<Table>()) {}
JsonNames::~JsonNames() = default;

uint32_t JsonNames::Intern(std::string_view name) {
  const auto found = table_->ids.find(ToAbsl(name));
  if (found != table_->ids.end()) {
    return found->second;
  }
  const uint32_t id = static_cast<uint32_t>(table_->names.size());
  table_->names.emplace_back(name);
  table_->ids.emplace(ToAbsl(table_->names.back()), id);
  return id;
}

uint32_t JsonNames::Find(std::string_view name) const {
  const auto found = table_->ids.find(ToAbsl(name));
  return found == table_->ids.end() ? kNone : found->second;
}

std::string_view JsonNames::Name(uint32_t id) const {
  return table_->names[id];
}
size_t JsonNames::size() const {
  return table_->names.size();
}

JsonKind JsonValue::kind() const {
  return tree_->nodes_[node_].kind;
}
bool JsonValue::AsBool() const {
  return tree_->nodes_[node_].bits != 0;
}
int64_t JsonValue::AsInteger() const {
  return static_cast<int64_t>(tree_->nodes_[node_].bits);
}
double JsonValue::AsFloat() const {
  return std::bit_cast<double>(tree_->nodes_[node_].bits);
}

std::string_view JsonValue::AsString() const {
  const uint64_t bits = tree_->nodes_[node_].bits;
  return std::string_view(tree_->strings_).substr(bits >> 32, bits & 0xffffffff);
}

uint32_t JsonValue::ChildCount() const {
  return IsObject() || IsArray() ? static_cast<uint32_t>(tree_->nodes_[node_].bits) : 0;
}

JsonValue JsonValue::FirstChild() const {
  return ChildCount() == 0 ? JsonValue() : JsonValue(tree_, node_ + 1);
}

JsonValue JsonValue::NextSibling() const {
  const uint32_t next = tree_->nodes_[node_].next;
  return next == 0 ? JsonValue() : JsonValue(tree_, next);
}

uint32_t JsonValue::NameId() const {
  return tree_->nodes_[node_].name;
}
std::string_view JsonValue::Name() const {
  return tree_->names_->Name(NameId());
}

JsonValue JsonValue::Find(std::string_view member) const {
  if (!IsObject()) {
    return {};
  }
  const uint32_t id = tree_->names_->Find(member);
  for (JsonValue child = FirstChild(); child.exists(); child = child.NextSibling()) {
    if (child.NameId() == id) {
      return child;
    }
  }
  return {};
}

std::string JsonValue::Path() const {
  if (!exists()) {
    return "";
  }
  std::vector<std::string> steps;
  for (uint32_t node = node_; node != 0; node = tree_->nodes_[node].parent) {
    const JsonTree::Node& n = tree_->nodes_[node];
    if (tree_->nodes_[n.parent].kind == JsonKind::kArray) {
      steps.push_back("[" + std::to_string(n.name) + "]");
    } else {
      steps.push_back("." + std::string(tree_->names_->Name(n.name)));
    }
  }
  std::string path = tree_->origin_ + ":$";
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    path += *step;
  }
  return path;
}

uint64_t JsonValue::Order() const {
  return exists() ? uint64_t{tree_->file_number_} << 32 | node_
                  : std::numeric_limits<uint64_t>::max();
}

// Receives the parser's events and appends nodes.
class JsonTreeBuilder : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit JsonTreeBuilder(JsonTree* tree) : tree_(tree) {}

  bool null() override { return Add(JsonKind::kNull, 0); }
  bool boolean(bool value) override { return Add(JsonKind::kBool, value ? 1 : 0); }
  bool number_integer(number_integer_t value) override {
    return Add(JsonKind::kInteger, static_cast<uint64_t>(value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return Add(JsonKind::kFloat, std::bit_cast<uint64_t>(static_cast<double>(value)));
    }
    return Add(JsonKind::kInteger, value);
  }
  bool number_float(number_float_t value, const string_t&) override {
    return Add(JsonKind::kFloat, std::bit_cast<uint64_t>(value));
  }
  bool string(string_t& value) override {
    const uint64_t offset = tree_->strings_.size();
    tree_->strings_ += value;
    return Add(JsonKind::kString, offset << 32 | value.size());
  }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return Open(JsonKind::kObject); }
  bool start_array(std::size_t) override { return Open(JsonKind::kArray); }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }
  bool key(string_t& value) override {
    name_ = tree_->names_->Intern(value);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    position_ = position;
    what_ = error.what();
    return false;
  }

  std::size_t position() const { return position_; }
  const std::string& what() const { return what_; }
  bool too_deep() const { return too_deep_; }
  // The last value begun.
  JsonValue Last() const {
    if (tree_->nodes_.empty()) {
      return {};
    }
    return JsonValue(tree_, open_.empty() ? 0 : open_.back().node);
  }

 private:
  struct OpenContainer {
    uint32_t node;
    uint32_t last_child;
  };

  bool Add(JsonKind kind, uint64_t bits) {
    JsonTree::Node node;
    node.kind = kind;
    node.bits = bits;
    const uint32_t number = static_cast<uint32_t>(tree_->nodes_.size());
    if (!open_.empty()) {
      OpenContainer& parent = open_.back();
      JsonTree::Node& parent_node = tree_->nodes_[parent.node];
      node.parent = parent.node;
      node.name =
          parent_node.kind == JsonKind::kArray ? static_cast<uint32_t>(parent_node.bits) : name_;
      ++parent_node.bits;
      if (parent.last_child != 0) {
        tree_->nodes_[parent.last_child].next = number;
      }
      parent.last_child = number;
    }
    tree_->nodes_.push_back(node);
    return true;
  }

  bool Open(JsonKind kind) {
    if (open_.size() >= JsonTree::kMaxDepth) {
      what_ = "nested deeper than " + std::to_string(JsonTree::kMaxDepth) + " levels";
      too_deep_ = true;
      return false;
    }
    const uint32_t number = static_cast<uint32_t>(tree_->nodes_.size());
    Add(kind, 0);
    open_.push_back({number, 0});
    return true;
  }

  bool Close() {
    open_.pop_back();
    return true;
  }

  JsonTree* tree_;
  uint32_t name_ = 0;
  std::vector<OpenContainer> open_;
  std::size_t position_ = 0;
  bool too_deep_ = false;
  std::string what_;
};

namespace {

// "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error …" without its
// first parts.
std::string PlainMessage(const std::string& what) {
  const size_t bracket = what.find("] ");
  std::string text = bracket == std::string::npos ? what : what.substr(bracket + 2);
  const size_t colon = text.find(": ");
  if (text.rfind("parse error at ", 0) == 0 && colon != std::string::npos) {
    text = text.substr(colon + 2);
  }
  return text;
}

// The parser quotes the bytes it stumbled over; a message must be valid UTF-8 on one line all the
// same.
std::string Printable(std::string text) {
  for (char& c : text) {
    const uint8_t byte = static_cast<uint8_t>(c);
    if (byte < 0x20 || byte >= 0x7f) {
      c = '?';
    }
  }
  constexpr size_t kMaxBytes = 300;
  if (text.size() > kMaxBytes) {
    text.resize(kMaxBytes);
    text += "...";
  }
  return text;
}

// What the parser said, with the place where it stopped. `position` counts the bytes it had read.
std::string Complaint(std::string_view text, size_t position, const std::string& what,
                      TextPlace first) {
  const size_t at = std::min(position == 0 ? 0 : position - 1, text.size());
  const TextPlace place = PlaceOf(text, at, first);
  const bool zero_byte = at < text.size() && text[at] == '\0';  // the parser takes it for the end
  return "not valid JSON at line " + std::to_string(place.line) + ", column " +
         std::to_string(place.column) + ": " +
         Printable(zero_byte ? "a zero byte: this is not a text" : PlainMessage(what));
}

}  // namespace

std::unique_ptr<JsonTree> JsonTree::Parse(std::string origin, uint32_t file_number, TextPlace place,
                                          std::string_view text, JsonNames* names,
                                          ParseError* error) {
  auto tree = std::make_unique<JsonTree>();
  tree->origin_ = std::move(origin);
  tree->file_number_ = file_number;
  tree->names_ = names;
  if (text.size() > kMaxTextBytes) {
    *error = {tree->origin_ + ":$", "longer than 2 GiB: split it into several files"};
    return nullptr;
  }
  JsonTreeBuilder builder(tree.get());
  const bool parsed = nlohmann::json::sax_parse(text.begin(), text.end(), &builder,
                                                nlohmann::json::input_format_t::json, true, true);
  if (parsed && builder.what().empty()) {
    return tree;
  }
  const JsonValue last = builder.Last();
  error->json_path = last.exists() ? last.Path() : tree->origin_ + ":$";
  const size_t position = builder.too_deep() ? TooDeepAt(text, kMaxDepth) + 1 : builder.position();
  error->what = Complaint(text, position, builder.what(), place);
  return nullptr;
}

}  // namespace sluice
