# Writes the files named on the command line as a C table of texts, called `table`, with names under `folder`; see
# src/lib/embedded.h.

function finish_text() {
    if (count > 0)
        print "    \"\";\n"
}

BEGIN { print "#include \"lib/embedded.h\"\n" }

FNR == 1 {
    finish_text()
    names[++count] = FILENAME
    sub(/^.*\//, folder "/", names[count])
    printf "static const char text_%d[] =\n", count
}

{
    gsub(/[\\"]/, "\\\\&")
    gsub(/\t/, "\\t")
    gsub(/\r/, "\\r")
    printf "    \"%s\\n\"\n", $0
}

END {
    finish_text()
    print "const EmbeddedFile " table "[] = {"
    for (i = 1; i <= count; i++)
        printf "    {\"%s\", text_%d, sizeof text_%d - 1},\n", names[i], i, i
    print "    {0, 0, 0}\n};"
}
