/* The grammar. Actions only build nodes (lang/build.h); what a text means is settled in resolve and eval.
 *
 * Newlines reach the grammar only where they end a statement, and `{` comes as two tokens, for a block and
 * for a record: lang/token.c decides both. Lists of nodes are kept on the parser's stack of pending nodes;
 * their semantic value is where they begin on it. */
%require "3.8"

%code requires {
#include "lang/build.h"
}

%code {
#include "lang/syntax.h"

/* Memory comes from the pool, so that an error thrown out of an action loses nothing. */
#define YYMALLOC(size) scratch(size)
#define YYFREE(block) ((void)(block))
#define YYMAXDEPTH 1000000

#define YYLLOC_DEFAULT(all, right, count) \
    ((all) = (count) > 0 ? (Span){YYRHSLOC(right, 1).start, YYRHSLOC(right, count).end} \
                         : (Span){YYRHSLOC(right, 0).end, YYRHSLOC(right, 0).end})

static void syntax_error(const Span *span, Parser *p, const char *message);
}

%define api.prefix {syntax_}
%define api.token.prefix {TOKEN_}
%define api.token.raw
%define api.pure full
%define api.push-pull push
%define api.location.type {Span}
%define parse.lac full
%define parse.error custom
%expect 0
%locations
%header
%param {Parser *p}

%union {
    double number;
    String *text;
    Node *node;
    uint32_t list;                    /* where a list begins among the pending nodes */
    Params *params;
    Operator operator;
}

%token END 0            "end of input"
%token NEWLINE          "end of line"
%token SEMICOLON        ";"
%token <number> NUMBER  "number"
%token <text> STRING    "string"
%token <text> NAME      "name"
%token FSTRING_BEGIN    "f-string"
%token <text> FSTRING_TEXT "text in a string"
%token FSTRING_OPEN     "{ in a string"
%token <text> FSTRING_SPEC "format"
%token FSTRING_CLOSE    "} in a string"
%token FSTRING_END      "end of string"
%token AND "and" BREAK "break" CATCH "catch" CONTINUE "continue" ELSE "else" FALSE "false" FN "fn" FOR "for"
       GLOBAL "global" IF "if" IN "in" NOGRAD "nograd" NONE "none" NOT "not" OR "or" RETURN "return"
       TRUE "true" TRY "try" WHILE "while"
%token PAREN_OPEN "(" PAREN_CLOSE ")" SQUARE_OPEN "[" SQUARE_CLOSE "]"
       BLOCK_OPEN "{" RECORD_OPEN "{ of a record" BRACE_CLOSE "}"
%token PLUS "+" MINUS "-" STAR "*" SLASH "/" FLOOR "//" PERCENT "%" AT "@" POWER "^" PRIME "'"
       EQ "==" NE "!=" LT "<" LE "<=" GT ">" GE ">="
       ASSIGN "=" PLUS_ASSIGN "+=" MINUS_ASSIGN "-=" STAR_ASSIGN "*=" SLASH_ASSIGN "/=" FLOOR_ASSIGN "//="
       PERCENT_ASSIGN "%=" AT_ASSIGN "@=" POWER_ASSIGN "^="
       ARROW "->" QUESTION "?" COLON ":" COMMA "," DOT "." ELLIPSIS "..."
/* Never given to the parser. */
%token COMMENT BLANK BAD

%type <node> body block statement if expressions expression ternary disjunction conjunction negation
             comparison chainable sum product unary power postfix primary element argument subscript
             optional field target targets fstring
%type <list> lines series spread arguments argument_list items tensor_items tensor_list subscripts
             subscript_list fields field_list names target_list parts
%type <operator> assign comparator multiplier
%type <params> parameters
%type <text> spec

%%

chunk: body                             { p->body = $body; };

/* Statements */

body: lines                             { $$ = build_list(p, NODE_BLOCK, $lines, @$); }
    | lines statement                   { build_push(p, $statement);
                                          $$ = build_list(p, NODE_BLOCK, $lines, @$); }
    ;

lines: %empty                           { $$ = build_begin(p); }
    | lines ";"                         { $$ = $1; }
    | lines statement "end of line"     { $$ = $1; build_push(p, $2); }
    | lines statement ";"               { $$ = $1; build_push(p, build_silent($2)); }
    ;

block: "{" body "}"                     { $$ = $body; $$->span = @$; };

statement: expressions                  { $$ = build_expression(p, $1, @$); }
    | expressions "=" <params>{ $$ = build_target(p, $1); } expressions[value]
                                        { $$ = build_assign(p, $1, $3, $value, @$); }
    | expressions assign expressions[value]
                                        { $$ = build_augment(p, $1, $2, $value, @2, @$); }
    | "fn" "name"[name] "(" parameters ")" block
                                        { $$ = build_define(p, $name, @name, $parameters, $block, @$); }
    | "fn" "name"[name] "(" parameters ")" "=" expressions[value]
                                        { $$ = build_define(p, $name, @name, $parameters, $value, @$); }
    | if
    | "while" expression block          { $$ = build_while(p, $expression, $block, @$); }
    | "for" targets "in" expression block
                                        { $$ = build_for(p, $targets, $expression, $block, @$); }
    | "break"                           { $$ = build_leaf(p, NODE_BREAK, @$); }
    | "continue"                        { $$ = build_leaf(p, NODE_CONTINUE, @$); }
    | "return"                          { $$ = build_operand(p, NODE_RETURN, NULL, @$); }
    | "return" expressions              { $$ = build_operand(p, NODE_RETURN, $2, @$); }
    | "global" names                    { $$ = build_list(p, NODE_GLOBAL, $names, @$); }
    | "nograd" block                    { $$ = build_operand(p, NODE_NOGRAD, $block, @$); }
    | "try" block[body] "catch" "name"[name] block[handler]
                                        { Node *name = build_name(p, $name, @name);
                                          $$ = build_try(p, $body, name, $handler, @$); }
    ;

if: "if" expression block               { $$ = build_cond(p, NODE_IF, $expression, $block, NULL, @$); }
    | "if" expression block "else" block[no]
                                        { $$ = build_cond(p, NODE_IF, $expression, $3, $no, @$); }
    | "if" expression block "else" if[no]
                                        { $$ = build_cond(p, NODE_IF, $expression, $3, $no, @$); }
    ;

assign: "+="                            { $$ = OPERATOR_ADD; }
    | "-="                              { $$ = OPERATOR_SUB; }
    | "*="                              { $$ = OPERATOR_MUL; }
    | "/="                              { $$ = OPERATOR_DIV; }
    | "//="                             { $$ = OPERATOR_FLOOR_DIV; }
    | "%="                              { $$ = OPERATOR_MOD; }
    | "@="                              { $$ = OPERATOR_MATMUL; }
    | "^="                              { $$ = OPERATOR_POW; }
    ;

names: "name"                           { $$ = build_begin(p); build_push(p, build_name(p, $1, @1)); }
    | names "," "name"                  { $$ = $1; build_push(p, build_name(p, $3, @3)); }
    ;

targets: target
    | target_list                       { $$ = build_list(p, NODE_TUPLE, $1, @$); }
    | target_list target                { build_push(p, $2); $$ = build_list(p, NODE_TUPLE, $1, @$); }
    ;

target_list: target ","                 { $$ = build_begin(p); build_push(p, $1); }
    | target_list target ","            { $$ = $1; build_push(p, $2); }
    ;

target: "name"                          { $$ = build_name(p, $1, @1); }
    | "(" targets ")"                   { $$ = build_parenthesised($2, @$); }
    ;

/* Expressions, weakest first. A series is a tuple without its parentheses, or inside them: every element
 * but perhaps the last has its comma. */

expressions: expression
    | series                            { $$ = build_list(p, NODE_TUPLE, $1, @$); }
    | series element                    { build_push(p, $2); $$ = build_list(p, NODE_TUPLE, $1, @$); }
    ;

series: element ","                     { $$ = build_begin(p); build_push(p, $1); }
    | series element ","                { $$ = $1; build_push(p, $2); }
    ;

element: expression
    | "..." expression                  { $$ = build_operand(p, NODE_SPREAD, $2, @$); }
    ;

spread: "..." expression                { $$ = build_begin(p);
                                          build_push(p, build_operand(p, NODE_SPREAD, $2, @$)); }
    ;

expression: ternary
    | disjunction "->" <params>{ $$ = build_lambda_params(p, $1); } expression[body]
                                        { $$ = build_function(p, $3, $body, @$); }
    | "fn" "(" parameters ")" "=" expression[body]
                                        { $$ = build_function(p, $parameters, $body, @$); }
    ;

ternary: disjunction
    | disjunction "?" expression[yes] ":" expression[no]
                                        { $$ = build_cond(p, NODE_COND, $1, $yes, $no, @$); }
    ;

disjunction: conjunction
    | disjunction "or" conjunction      { $$ = build_binary(p, NODE_OR, 0, $1, $3, @2, @$); }
    ;

conjunction: negation
    | conjunction "and" negation        { $$ = build_binary(p, NODE_AND, 0, $1, $3, @2, @$); }
    ;

negation: chainable
    | "not" negation                    { $$ = build_operand(p, NODE_NOT, $2, @$); }
    ;

/* The rule for a chain is there to name the mistake. */
chainable: sum
    | comparison
    ;

comparison: sum comparator sum          { $$ = build_binary(p, NODE_BINARY, $2, $1, $3, @2, @$); }
    | comparison comparator sum         { $$ = build_chain(p, $1, @2, $3); }
    ;

comparator: "=="                        { $$ = OPERATOR_EQ; }
    | "!="                              { $$ = OPERATOR_NE; }
    | "<"                               { $$ = OPERATOR_LT; }
    | "<="                              { $$ = OPERATOR_LE; }
    | ">"                               { $$ = OPERATOR_GT; }
    | ">="                              { $$ = OPERATOR_GE; }
    | "in"                              { $$ = OPERATOR_IN; }
    ;

sum: product
    | sum "+" product                   { $$ = build_binary(p, NODE_BINARY, OPERATOR_ADD, $1, $3, @2, @$); }
    | sum "-" product                   { $$ = build_binary(p, NODE_BINARY, OPERATOR_SUB, $1, $3, @2, @$); }
    ;

product: unary
    | product multiplier unary          { $$ = build_binary(p, NODE_BINARY, $2, $1, $3, @2, @$); }
    ;

multiplier: "*"                         { $$ = OPERATOR_MUL; }
    | "/"                               { $$ = OPERATOR_DIV; }
    | "//"                              { $$ = OPERATOR_FLOOR_DIV; }
    | "%"                               { $$ = OPERATOR_MOD; }
    | "@"                               { $$ = OPERATOR_MATMUL; }
    ;

unary: power
    | "-" unary                         { $$ = build_unary(p, OPERATOR_NEG, $2, @$); }
    | "+" unary                         { $$ = build_unary(p, OPERATOR_POS, $2, @$); }
    ;

power: postfix
    | postfix "^" unary                 { $$ = build_binary(p, NODE_BINARY, OPERATOR_POW, $1, $3, @2, @$); }
    ;

postfix: primary
    | postfix "(" arguments ")"         { $$ = build_call(p, $1, @1, $arguments, @$); }
    | postfix "[" subscripts "]"        { $$ = build_index(p, $1, $subscripts, @$); }
    | postfix "." "name"                { $$ = build_field(p, $1, $3, @3, @$); }
    | postfix "'"                       { $$ = build_operand(p, NODE_PRIME, $1, @$); }
    ;

primary: "number"                       { $$ = build_number(p, $1, @$); }
    | "string"                          { $$ = build_text(p, NODE_STRING, $1, @$); }
    | fstring
    | "true"                            { $$ = build_leaf(p, NODE_TRUE, @$); }
    | "false"                           { $$ = build_leaf(p, NODE_FALSE, @$); }
    | "none"                            { $$ = build_leaf(p, NODE_NONE, @$); }
    | "name"                            { $$ = build_name(p, $1, @$); }
    | "(" ")"                           { $$ = build_list(p, NODE_TUPLE, build_begin(p), @$); }
    | "(" expressions ")"               { $$ = build_parenthesised($2, @$); }
    | "(" spread ")"                    { $$ = build_list(p, NODE_TUPLE, $spread, @$); }
    | "[" tensor_items "]"              { $$ = build_list(p, NODE_TENSOR, $2, @$); }
    | "{ of a record" fields "}"        { $$ = build_record(p, $2, @$); }
    | "fn" "(" parameters ")" block     { $$ = build_function(p, $parameters, $block, @$); }
    ;

fstring: "f-string" parts "end of string"
                                        { $$ = build_list(p, NODE_FSTRING, $parts, @$); }
    ;

parts: %empty                           { $$ = build_begin(p); }
    | parts "text in a string"          { $$ = $1; build_push(p, build_text(p, NODE_STRING, $2, @2)); }
    | parts "{ in a string" expression spec "} in a string"[close]
                                        { Span hole = {@2.start, @close.end};
                                          $$ = $1; build_push(p, build_format(p, $3, $spec, hole)); }
    ;

spec: %empty                            { $$ = NULL; }
    | "format"
    ;

/* Parameters read like arguments, so that `f(x, y = 2) = e` and `fn f(x, y = 2) {` are one thing. */
parameters: arguments                   { $$ = build_params(p, $1); };

arguments: items
    | argument_list
    | argument_list ","
    ;

items: %empty                           { $$ = build_begin(p); };

argument_list: argument                 { $$ = build_begin(p); build_push(p, $1); }
    | argument_list "," argument        { $$ = $1; build_push(p, $3); }
    ;

argument: element
    | "name" "=" expression             { $$ = build_named(p, $1, @1, $3, @$); }
    ;

tensor_items: items
    | tensor_list
    | tensor_list ","
    ;

tensor_list: expression                 { $$ = build_begin(p); build_push(p, $1); }
    | tensor_list "," expression        { $$ = $1; build_push(p, $3); }
    ;

subscripts: subscript_list
    | subscript_list ","
    ;

subscript_list: subscript               { $$ = build_begin(p); build_push(p, $1); }
    | subscript_list "," subscript      { $$ = $1; build_push(p, $3); }
    ;

subscript: expression
    | "..."                             { $$ = build_leaf(p, NODE_ELLIPSIS, @$); }
    | optional[start] ":" optional[stop]
                                        { $$ = build_slice(p, $start, $stop, NULL, @2, @$); }
    | optional[start] ":" optional[stop] ":" optional[step]
                                        { $$ = build_slice(p, $start, $stop, $step, @2, @$); }
    ;

optional: %empty                        { $$ = NULL; }
    | expression
    ;

fields: items
    | field_list
    | field_list ","
    ;

field_list: field                       { $$ = build_begin(p); build_push(p, $1); }
    | field_list "," field              { $$ = $1; build_push(p, $3); }
    ;

field: "name" ":" expression            { $$ = build_init(p, $1, $3, @$); }
    | "string" ":" expression           { $$ = build_init(p, $1, $3, @$); }
    ;

%%

/* The parser's own failure; wrong input goes through yyreport_syntax_error. */
static void syntax_error(const Span *span, Parser *p, const char *message)
{
    (void)message;                    /* "memory exhausted": of YYMAXDEPTH entries, not of the machine */
    throw_at(p->source, *span, ERROR_LIMIT, NULL, "the text is nested too deeply to be parsed");
}

_Static_assert(YYNTOKENS <= SYNTAX_TOKENS, "room for all token kinds");

static int yyreport_syntax_error(const yypcontext_t *context, Parser *p)
{
    yysymbol_kind_t symbols[YYNTOKENS];
    int expected[YYNTOKENS];
    int count = yypcontext_expected_tokens(context, symbols, YYNTOKENS);

    for (int i = 0; i < count; i++)
        expected[i] = (int)symbols[i];
    syntax_unexpected(p, expected, count);
}

int syntax_may_follow(syntax_pstate *state, Parser *p, int *expected)
{
    yysymbol_kind_t symbols[YYNTOKENS];
    int count = yypstate_expected_tokens(state, symbols, YYNTOKENS);

    (void)p;
    for (int i = 0; i < count; i++)
        expected[i] = (int)symbols[i];
    return count;
}
