"""`make smoke`: a harmless journey against a deployed stack, which leaves nothing registered.

`asked` reads what is to be checked, `addresses` judges its addresses, `signing` finds the caller's
own AWS credentials, `api` talks to the product, `registration` registers a server under a random id
and deletes it again whatever happens, `steps` are the journey. It needs httpx and botocore, and
nothing of the product but its address.
"""
