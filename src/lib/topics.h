/* Short explanations of the language itself, for help("while") and the reference page. */
#ifndef DBX_LIB_TOPICS_H
#define DBX_LIB_TOPICS_H

typedef struct Topic {
    const char *name;
    const char *words;                /* other words that lead here, separated by spaces */
    const char *text;                 /* lines */
} Topic;

/* NULL-terminated by name. */
extern const Topic topics[];
/* NULL when the word is neither the name of a topic nor one of its words. */
const Topic *topic_find(const char *word);

#endif
