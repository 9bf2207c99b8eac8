"""Shows Doxygen a header whose comments are those that it reads:  doxygen_filter.py FILE"""

import re
import sys

text = open(sys.argv[1], encoding="utf-8").read()
text = re.sub(r"^(.*[;,{)\w].*\S) +/\* (.*)\*/$", r"\1 /**< \2*/", text, flags=re.M)  # behind what it is about
text = re.sub(r"^( *)/\*(?!\*)", r"\1/**", text, flags=re.M)
text = re.sub(r"^/\*\*(.*?)\*/", r"/** @file\n\1*/", text, count=1, flags=re.S)  # the first one is about the file
sys.stdout.write(text)
