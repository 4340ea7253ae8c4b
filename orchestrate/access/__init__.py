"""Access: roles, logins, members, and the policies that decide what each reader sees."""
