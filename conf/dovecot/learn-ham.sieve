# A message was moved out of the folder for spam: see 90-millrace-learn.conf.
require ["copy", "environment", "imapsieve", "vnd.dovecot.pipe"];

# Who throws spam away does not call it ham.
if environment :is "imap.mailbox" ["Trash", "Deleted Items", "Deleted Messages"] {
	stop;
}
pipe :copy "millrace-learn" ["--ham"];
