# A message was moved into the folder for spam: see 90-millrace-learn.conf.
require ["copy", "vnd.dovecot.pipe"];

pipe :copy "millrace-learn" ["--spam"];
