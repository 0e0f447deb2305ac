/* Letters by their LaTeX names: \alpha and TAB give α. */
#ifndef DBX_REPL_LATEX_H
#define DBX_REPL_LATEX_H

typedef struct LatexName {
    const char *name;                 /* without the backslash */
    const char *letter;
} LatexName;

/* By name; a NULL name behind the last. */
extern const LatexName latex_names[];

#endif
