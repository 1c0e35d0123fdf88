"""The whole product on one machine: gateway, containers, AWS services and the third parties.

Nothing here imports `broker`: the containers do, in processes of their own.
"""
